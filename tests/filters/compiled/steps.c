/* Steps of the simplest kind, to test what lies between polars and any step: plugin.c is built with these. */

/* Capitals for small letters of ASCII; an 'x' first is what no memory looks like. */
static int shout(const uint8_t *text, size_t size, Buffer *out) {
    bool changes = false;
    if (size && text[0] == 'x') return NO_MEMORY;
    for (size_t i = 0; i < size; i++) changes |= text[i] >= 'a' && text[i] <= 'z';
    if (!changes) return UNCHANGED;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = text[i] >= 'a' && text[i] <= 'z' ? text[i] - 32 : text[i];
        if (!buffer_add(out, &byte, 1)) return NO_MEMORY;
    }
    return CHANGED;
}

static int twice(const uint8_t *text, size_t size, Buffer *out) {
    if (!size) return UNCHANGED;
    return buffer_add(out, text, size) && buffer_add(out, text, size) ? CHANGED : NO_MEMORY;
}

static bool asks(const uint8_t *text, size_t size) { return size && text[size - 1] == '?'; }
static uint64_t count_bytes(const uint8_t *text, size_t size) { return text ? size : 0; }

/* Its bytes, as numbers. */
static int list_bytes(const uint8_t *text, size_t size, Buffer *out) {
    for (size_t i = 0; i < size; i++) {
        uint64_t number = text[i];
        if (!buffer_add(out, (const uint8_t *)&number, sizeof number)) return NO_MEMORY;
    }
    return CHANGED;
}

/* The options behind the text. */
static int append(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out) {
    if (!options_size) return UNCHANGED;
    if (size && !buffer_add(out, text, size)) return NO_MEMORY;
    return buffer_add(out, options, options_size) ? CHANGED : NO_MEMORY;
}

/* Where the first byte of the options stands. */
static int find(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out) {
    for (uint64_t i = 0; options_size && i < size; i++)
        if (text[i] == *options && !buffer_add(out, (const uint8_t *)&i, sizeof i)) return NO_MEMORY;
    return CHANGED;
}

EDIT(shout)
EDIT(twice)
TEST(asks)
COUNT(count_bytes)
LIST(list_bytes)
LIST_BY(find)
EDIT_BY(append)
