/* How often lines, paragraphs and runs of words stand in a text again: repeats.py says it, and this is the same, faster. */
#include "text.h"

static const uint64_t TURN = 0x9e3779b97f4a7c15u; /* 2**64 over the golden ratio, odd */

/* What stands in a text: a word, a line or a run of words, by its hash. */
typedef struct {
    uint64_t hash;
    size_t first; /* where it stands first, from 1 on; 0 where a slot is free */
    size_t times;
} Entry;

typedef struct {
    Entry *entries;
    size_t slots; /* a power of 2, twice what comes in at least */
} Table;

/* The words of a text: their hashes, and how many characters stand before each. */
typedef struct {
    uint64_t *runs; /* hashes of the runs of so many words as are looked at, by the first of them */
    uint64_t *words;
    size_t *chars; /* one more than there are words */
    size_t count;
} Words;

static uint64_t hash_bytes(const uint8_t *at, size_t size) {
    uint64_t hash = size * TURN;
    for (; size; at += size < 8 ? size : 8, size -= size < 8 ? size : 8) {
        uint64_t block = 0;
        memcpy(&block, at, size < 8 ? size : 8);
        hash = (hash ^ block) * TURN;
        hash ^= hash >> 32;
    }
    return hash;
}

static size_t count_chars(const uint8_t *at, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++) count += (at[i] & 0xc0) != 0x80;
    return count;
}

static bool make_table(Table *table, size_t count) {
    for (table->slots = 16; table->slots < 2 * count;) table->slots *= 2;
    table->entries = malloc(table->slots * sizeof *table->entries);
    return table->entries;
}

static void clear(Table *table) { memset(table->entries, 0, table->slots * sizeof *table->entries); }

/* Count a thing that stands at a place, and give its entry. */
static Entry *add(Table *table, uint64_t hash, size_t place) {
    uint64_t mixed = hash * TURN;
    size_t slot = (mixed ^ mixed >> 32) & (table->slots - 1);
    while (table->entries[slot].first && table->entries[slot].hash != hash) slot = (slot + 1) & (table->slots - 1);
    Entry *entry = table->entries + slot;
    if (!entry->first) *entry = (Entry){hash, place + 1, 0};
    entry->times++;
    return entry;
}

/* The size in bytes of the white space at a place, as Python's str.strip knows it; 0 for anything else. */
static size_t blank_at(const uint8_t *c, size_t size) {
    if (*c == ' ' || (*c >= 0x09 && *c <= 0x0d) || (*c >= 0x1c && *c <= 0x1f)) return 1;
    if (size >= 2 && *c == 0xc2 && (c[1] == 0x85 || c[1] == 0xa0)) return 2;
    if (size < 3 || *c < 0xe1 || *c > 0xe3) return 0;
    unsigned code = (*c & 0xfu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3fu);
    bool wide = code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
                code == 0x202f || code == 0x205f || code == 0x3000;
    return wide ? 3 : 0;
}

/* Take the white space off both ends. */
static void strip(const uint8_t **text, size_t *size) {
    for (size_t blank; *size && (blank = blank_at(*text, *size)); *size -= blank) *text += blank;
    for (size_t last = *size; last; *size = last) {
        while (last && ((*text)[--last] & 0xc0) == 0x80) continue;
        if (!blank_at(*text + last, *size - last)) break;
    }
}

/* Count pieces between so many ends of lines: all, those that stood before, and the characters of these. */
static bool count_pieces(const uint8_t *text, size_t size, size_t between, uint64_t *out) {
    size_t lines = 1;
    for (size_t i = 0; i < size; i++) lines += text[i] == '\n';
    Table table;
    if (!make_table(&table, lines)) return false;
    clear(&table);
    for (size_t at = 0, end; at < size; at = end) {
        while (at < size && text[at] == '\n') at++;
        for (end = at; end < size; end++)
            if (text[end] == '\n' && (between == 1 || (end + 1 < size && text[end + 1] == '\n'))) break;
        if (end == at) break;
        out[0]++;
        if (add(&table, hash_bytes(text + at, end - at), at)->times == 1) continue;
        out[1]++;
        out[2] += count_chars(text + at, end - at);
    }
    free(table.entries);
    return true;
}

/* Read the words of a line, which one blank parts. */
static bool read_words(Words *words, const uint8_t *line, size_t size) {
    words->count = size > 0;
    for (size_t i = 0; i < size; i++) words->count += line[i] == ' ';
    words->words = malloc((words->count + 1) * sizeof *words->words);
    words->runs = malloc((words->count + 1) * sizeof *words->runs);
    words->chars = malloc((words->count + 1) * sizeof *words->chars);
    if (!words->words || !words->runs || !words->chars) return false;
    words->chars[0] = 0;
    const uint8_t *at = line;
    for (size_t i = 0; i < words->count; i++) {
        const uint8_t *end = memchr(at, ' ', size - (size_t)(at - line));
        if (!end) end = line + size;
        words->words[i] = words->runs[i] = hash_bytes(at, (size_t)(end - at));
        words->chars[i + 1] = words->chars[i] + count_chars(at, (size_t)(end - at));
        at = end + 1;
    }
    return true;
}

/* The characters of the run of n words that stands most often, of several the first; 0 if none stands twice. */
static uint64_t count_top(const Words *words, size_t n, Table *table) {
    Entry top = {0, 0, 1};
    for (size_t i = 0; i + n <= words->count; i++) {
        Entry *entry = add(table, words->runs[i], i);
        if (entry->times > top.times || (entry->times == top.times && entry->first < top.first)) top = *entry;
    }
    return top.first ? top.times * (words->chars[top.first - 1 + n] - words->chars[top.first - 1] + n - 1) : 0;
}

/* The characters of runs of n words that stood before, from left to right, of which none overlap. */
static uint64_t count_duplicates(const Words *words, size_t n, Table *table) {
    uint64_t chars = 0;
    for (size_t i = 0; i + n <= words->count; i++) {
        if (add(table, words->runs[i], i)->times == 1) continue;
        chars += words->chars[i + n] - words->chars[i];
        i += n - 1;
    }
    return chars;
}

static bool count_runs(Words *words, uint64_t *out) {
    Table table = {0};
    bool fits = make_table(&table, words->count);
    for (size_t n = 2; fits && n <= 10; n++) {
        for (size_t i = 0; i + n <= words->count; i++) words->runs[i] = words->runs[i] * TURN + words->words[i + n - 1];
        clear(&table);
        out[n - 2] = n < 5 ? count_top(words, n, &table) : count_duplicates(words, n, &table);
        if (!out[n - 2]) break; /* what does not stand twice is part of nothing longer that does */
    }
    free(table.entries);
    return fits;
}

int repeats(const uint8_t *text, size_t size, Buffer *out) {
    const uint8_t *end = memchr(text, '\n', size);
    size_t line = end ? (size_t)(end - text) : size;
    uint64_t numbers[16] = {0};
    Words words = {0};
    bool fits = read_words(&words, text, line) && count_runs(&words, numbers + 7);
    text += line + (end != NULL);
    size -= line + (end != NULL);
    numbers[0] = count_chars(text, size);
    strip(&text, &size);
    for (size_t between = 1; between <= 2; between++)
        fits = fits && count_pieces(text, size, between, numbers + 3 * between - 2);
    fits = fits && buffer_add(out, (const uint8_t *)numbers, sizeof numbers);
    free(words.words);
    free(words.runs);
    free(words.chars);
    return fits ? CHANGED : NO_MEMORY;
}
