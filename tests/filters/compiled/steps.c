/* Steps of the simplest kind, to test what lies between polars and any step. */
#include "../../../filters/compiled/plugin.c"

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
static uint32_t count_bytes(const uint8_t *text, size_t size) { return text ? (uint32_t)size : 0; }

EDIT(shout)
EDIT(twice)
TEST(asks)
COUNT(count_bytes)
