/* What a word is: words.py says it in one paragraph, and this is the same, faster. */
#include "text.h"
#include "classes.h"

enum { A = 'a', FIGURE = '0', ALONE = 'u', MARK = 'm', JOINER = 'j', SIGN = 's', MONEY = 'c', BLANK = ' ', OTHER = ',' };

/* The shape of ASCII characters, as in classes.py. */
static const uint8_t ASCII[256] = ",,,,,,,,,\t\n,, ,,,,,,,,,,,,,,,,,, !,#$%&j()*+,-./0000000000,,<=>,,"
                                  "aaaaaaaaaaaaaaaaaaaaaaaaaa[,]^,,aaaaaaaaaaaaaaaaaaaaaaaaaa{|}~,";

/* What a kind can be, as bits. */
enum { SPACE = 1, OPENING = 2, CLOSING = 4, STRONG = 8, WEAK = 16, HEADING = 32, JOINS = 64, COMPARES = 128 };
static const uint8_t BITS[128] = {
    [BLANK] = SPACE | OPENING, ['\t'] = SPACE, ['\n'] = SPACE,
    ['('] = OPENING, ['['] = OPENING, ['{'] = OPENING, [')'] = CLOSING, [']'] = CLOSING, ['}'] = CLOSING,
    ['+'] = STRONG | HEADING | JOINS, ['='] = STRONG, ['^'] = STRONG, ['%'] = STRONG | JOINS, [SIGN] = STRONG,
    [MONEY] = STRONG | JOINS, ['-'] = WEAK | HEADING | COMPARES, ['*'] = WEAK | HEADING | COMPARES,
    ['/'] = WEAK | COMPARES, ['<'] = WEAK | COMPARES, ['>'] = WEAK | HEADING | COMPARES, ['~'] = WEAK | COMPARES,
    ['&'] = WEAK | COMPARES, ['|'] = WEAK | COMPARES, ['#'] = WEAK | HEADING | JOINS, ['$'] = WEAK, ['!'] = COMPARES,
};

static inline bool is(uint8_t kind, int bits) { return BITS[kind] & bits; }

typedef struct {
    uint32_t code;
    uint8_t kind;
    uint8_t size; /* in bytes; 0 behind the end */
} Letter;

/* The kind of the range that holds a character, else 0. */
static uint8_t find_kind(const Range *ranges, size_t count, uint32_t code) {
    size_t low = 0, high = count;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        if (ranges[middle].first <= code) low = middle;
        else high = middle;
    }
    return code >= ranges[low].first && code <= ranges[low].last ? ranges[low].kind : 0;
}

static inline uint8_t kind_of(uint32_t code) {
    if (code >= 0x4e00 && code <= 0x9fff) return ALONE;
    if (code >= 0x400 && code < 0x482) return A;
    if (code >= 0xc0 && code < 0x2c2) return code == 0xd7 || code == 0xf7 ? SIGN : A;
    uint8_t kind = find_kind(RANGES, sizeof RANGES / sizeof *RANGES, code);
    return kind ? kind : A;
}

static inline Letter letter_at(const uint8_t *text, size_t size, size_t at) {
    if (at >= size) return (Letter){0, BLANK, 0};
    const uint8_t *c = text + at;
    if (*c < 0x80) return (Letter){*c, ASCII[*c], 1};
    uint32_t code = *c < 0xe0   ? (*c & 0x1fu) << 6 | (c[1] & 0x3f)
                    : *c < 0xf0 ? (*c & 0xfu) << 12 | (c[1] & 0x3fu) << 6 | (c[2] & 0x3f)
                                : (*c & 7u) << 18 | (c[1] & 0x3fu) << 12 | (c[2] & 0x3fu) << 6 | (c[3] & 0x3f);
    return (Letter){code, kind_of(code), *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4};
}

/* The small letter, where it is one letter in every version of Unicode. */
static inline uint32_t small(uint32_t c) {
    if (c < 0x80) return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if (c > 0x42f || (c >= 0x180 && c < 0x386)) return c;
    if (c <= 0xde) return c >= 0xc0 && c != 0xd7 ? c + 32 : c;
    if (c < 0x180) {
        if (c < 0x100 || c == 0x130 || c == 0x131 || c == 0x138 || c == 0x149 || c == 0x17f) return c;
        if (c == 0x178) return 0xff;
        bool odd = (c >= 0x139 && c <= 0x148) || c >= 0x179;
        return (c & 1) == odd ? c + 1 : c;
    }
    if (c >= 0x400) return c < 0x410 ? c + 80 : c + 32;
    if (c >= 0x391 && c <= 0x3ab && c != 0x3a2) return c + 32;
    return c == 0x386 ? 0x3ac : c >= 0x388 && c <= 0x38a ? c + 37 : c == 0x38c ? 0x3cc : c == 0x38e || c == 0x38f ? c + 63 : c;
}

/* The same as words are compared: one sigma, and a minus for what is used as one. */
static inline uint32_t lower(uint32_t c) {
    if (c == 0x3c2) return 0x3c3;
    return c == 0x2010 || c == 0x2011 || c == 0x2013 || c == 0x2212 ? '-' : small(c);
}

#define ALWAYS_INLINE inline __attribute__((always_inline)) /* so that each step has a loop of its own */
#define EACH(byte) (0x0101010101010101u * (byte))

bool is_even(const uint8_t *text, size_t size) {
    for (size_t at = 0; at < size;) {
        uint64_t block = EACH(0x80);
        if (size - at >= 8) memcpy(&block, text + at, 8);
        if (!(block & EACH(0x80))) {
            at += 8;
            continue;
        }
        if (text[at] >= 0xe4 && text[at] <= 0xe9) { /* U+4000 to U+9FFF */
            at += 3;
            continue;
        }
        Letter letter = letter_at(text, size, at);
        if (letter.code >= 0x130 && !find_kind(EVEN, sizeof EVEN / sizeof *EVEN, letter.code)) return false;
        at += letter.size;
    }
    return true;
}

/* White space beyond ASCII. */
static bool is_wide(uint32_t c) {
    return c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
           c == 0x202f || c == 0x205f || c == 0x3000;
}

int fold(const uint8_t *text, size_t size, Buffer *out) {
    if (!buffer_room(out, size + 1)) return NO_MEMORY;
    uint8_t *start = out->at + out->size, *to = start;
    bool after = true; /* white space, or the beginning */
    for (size_t at = 0; at < size;) {
        if (text[at] < 0x80) {
            uint8_t byte = (uint8_t)small(text[at++]);
            bool white = (byte == ' ') | ((uint8_t)(byte - '\t') < 5);
            *to = (uint8_t)(byte ^ ((byte ^ ' ') & -white)); /* without a branch, which few texts let foresee */
            to += !(white & after);
            after = white;
            continue;
        }
        Letter letter = letter_at(text, size, at);
        uint32_t c = small(letter.code);
        if (is_wide(c)) {
            *to = ' ';
            to += !after;
        } else if (c == letter.code) {
            for (unsigned i = 0; i < letter.size; i++) *to++ = text[at + i];
        } else { /* one of two bytes, as all that change */
            *to++ = (uint8_t)(0xc0 | c >> 6);
            *to++ = (uint8_t)(0x80 | (c & 0x3f));
        }
        after = is_wide(c);
        at += letter.size;
    }
    out->size += (size_t)(to - start) - (after && to > start);
    return CHANGED;
}

static const uint64_t SEED = 0xcbf29ce484222325u, TURN = 0x9e3779b97f4a7c15u;

/* The hash of a word: of its bytes in small letters, eight at a time. */
typedef struct {
    uint64_t value, block; /* of whole blocks; the bytes since */
    unsigned bits;         /* of these, under 64 */
} Hash;

static inline uint64_t mix(uint64_t value, uint64_t block) {
    value = (value ^ block) * TURN;
    return value ^ value >> 32;
}

/* Add up to 8 bytes, the first of them lowest. */
static inline void hash_bytes(Hash *hash, uint64_t bytes, unsigned bits) {
    uint64_t block = hash->block | bytes << hash->bits;
    unsigned all = hash->bits + bits;
    hash->bits = all % 64;
    hash->block = block;
    if (all < 64) return;
    hash->value = mix(hash->value, block);
    hash->block = hash->bits ? bytes >> (bits - hash->bits) : 0;
}

static inline void hash_letter(Hash *hash, uint32_t code) {
    uint32_t c = lower(code), low = 0x80 | (c & 0x3f), middle = 0x80 | (c >> 6 & 0x3f), high = 0x80 | (c >> 12 & 0x3f);
    if (c < 0x80) hash_bytes(hash, c, 8);
    else if (c < 0x800) hash_bytes(hash, (0xc0 | c >> 6) | low << 8, 16);
    else if (c < 0x10000) hash_bytes(hash, (0xe0 | c >> 12) | middle << 8 | low << 16, 24);
    else hash_bytes(hash, (0xf0 | c >> 18) | high << 8 | middle << 16 | low << 24, 32);
}

/* A set of words, each with the texts that have it: 1 for the first, 2 for the second, 3 for both; 4 more for a sign. */
typedef struct {
    uint64_t *words;
    uint8_t *in; /* 0 where a slot is free */
    size_t slots, count;
    uint8_t text; /* the one that is read */
} Set;

static inline size_t slot_of(const Set *set, uint64_t word) {
    size_t slot = (word >> 32 ^ word >> 1) & (set->slots - 1);
    while (set->in[slot] && set->words[slot] != word) slot = (slot + 1) & (set->slots - 1);
    return slot;
}

/* Make a set larger: it is at most half full, so that long texts of few words take little memory. */
static bool grow(Set *set) {
    Set more = *set;
    more.slots = set->slots ? 4 * set->slots : 1024;
    more.words = malloc(more.slots * sizeof *more.words);
    more.in = calloc(more.slots, 1);
    bool fits = more.words && more.in;
    for (size_t i = 0; fits && i < set->slots; i++) {
        if (!set->in[i]) continue;
        size_t slot = slot_of(&more, set->words[i]);
        more.words[slot] = set->words[i];
        more.in[slot] = set->in[i];
    }
    Set *old = fits ? set : &more;
    free(old->words);
    free(old->in);
    if (fits) *set = more;
    return fits;
}

static ALWAYS_INLINE bool add_different(Set *set, uint64_t word) {
    if (2 * set->count >= set->slots && !grow(set)) return false;
    size_t slot = slot_of(set, word);
    set->count += !set->in[slot];
    set->words[slot] = word;
    set->in[slot] |= set->text | (word & 1) << 2;
    return true;
}

typedef struct {
    Buffer *out;          /* NULL where words are only counted */
    const uint8_t *slots; /* of runs of three words: '1' for those that are listed; NULL to list words */
    size_t slot_count;    /* a power of 2 */
    Set *set;             /* to add words to; NULL to list them */
    uint64_t run[2];      /* the last two words */
    uint64_t count;       /* words, the open one as well */
    Hash hash;      /* of the last word, which a sign may still join */
    Hash pending;   /* of the signs that wait for a word */
    bool is_signed, waits;
    bool in_word;   /* the last character belongs to the last word */
    bool operand;   /* the last word ends in a figure or a lone letter */
    bool figure;    /* ... in a figure, and no sign joined it */
    uint8_t letter; /* kind of the last word's last character, marks aside */
    unsigned gap;   /* blanks and closing brackets since the last word, many where anything else stood there */
    bool begins;    /* the line has nothing but blanks up to here */
} Words;

enum { MANY = 99 };

static inline bool add_number(Buffer *out, uint64_t number) {
    if (!buffer_room(out, sizeof number)) return false;
    memcpy(out->at + out->size, &number, sizeof number);
    out->size += sizeof number;
    return true;
}

/* List the run of three words that ends with this one, if its slot is marked: its place, and its hash. */
static ALWAYS_INLINE bool add_run(Words *words, uint64_t word) {
    uint64_t run = (words->run[0] * TURN + words->run[1]) * TURN + word;
    words->run[0] = words->run[1];
    words->run[1] = word;
    if (words->count < 3 || words->slots[(run >> 32) & (words->slot_count - 1)] != '1') return true;
    return add_number(words->out, words->count - 3) && add_number(words->out, run);
}

/* Take the last word as it stands. */
static ALWAYS_INLINE bool close_word(Words *words) {
    uint64_t value = mix(words->hash.value, words->hash.block) * TURN;
    value = ((value ^ value >> 29) & ~(uint64_t)1) | words->is_signed;
    if (words->set) return add_different(words->set, value);
    return words->slots ? add_run(words, value) : add_number(words->out, value);
}

/* Begin a word, with the signs that waited for it. */
static ALWAYS_INLINE bool open_word(Words *words) {
    if (words->out && words->count && !close_word(words)) return false;
    words->count++;
    words->hash = words->waits ? words->pending : (Hash){.value = SEED};
    words->is_signed = words->waits;
    words->waits = false;
    words->in_word = true;
    words->letter = 0;
    return true;
}

static void wait_for_word(Words *words, uint32_t code) {
    if (!words->waits) words->pending = (Hash){.value = SEED};
    hash_letter(&words->pending, code);
    words->waits = true;
}

/* A character that is in no word and no sign. */
static inline void pass(Words *words, uint8_t kind) {
    words->in_word = false;
    words->gap = kind == BLANK || is(kind, CLOSING) ? words->gap + (words->gap < MANY) : MANY;
    words->begins = kind == '\n' || (words->begins && is(kind, SPACE));
}

static inline bool is_sign(const uint8_t *text, size_t size, size_t at, uint8_t kind) {
    return is(kind, WEAK | STRONG) || (kind == '!' && at + 1 < size && text[at + 1] == '=');
}

/* Whether a figure or a lone letter follows. */
static bool operand_at(const uint8_t *text, size_t size, size_t at) {
    Letter letter = letter_at(text, size, at);
    for (int skipped = 0; skipped < 4 && letter.size && is(letter.kind, OPENING); skipped++) {
        at += letter.size;
        letter = letter_at(text, size, at);
    }
    if (letter.kind == '-') {
        at += letter.size;
        letter = letter_at(text, size, at);
    }
    return letter.kind == FIGURE || (letter.kind == A && letter_at(text, size, at + letter.size).kind != A);
}

/* A run of signs, and what stands around it. */
typedef struct {
    size_t start, end;
    unsigned length;      /* in characters */
    uint8_t kinds[4];     /* of its first ones */
    bool same, marks;     /* all are alike; all are such as begin a line of Markdown */
    bool strong, arrow;   /* holds a strong sign; holds < or > */
    uint8_t before, after; /* kinds of the characters beside it */
} Run;

static Run run_at(const uint8_t *text, size_t size, size_t start, uint8_t before) {
    Run run = {start, start, 0, {0}, true, true, false, false, before, 0};
    Letter letter = letter_at(text, size, start);
    for (; letter.size && is_sign(text, size, run.end, letter.kind); letter = letter_at(text, size, run.end)) {
        if (run.length < 4) run.kinds[run.length] = letter.kind;
        run.same &= letter.kind == run.kinds[0];
        run.marks &= is(letter.kind, HEADING);
        run.strong |= is(letter.kind, STRONG);
        run.arrow |= letter.kind == '<' || letter.kind == '>';
        run.length++;
        run.end += letter.size;
    }
    run.after = letter.kind;
    return run;
}

static bool is_run(const Run *run, const char *signs) {
    return run->length == strlen(signs) && !memcmp(run->kinds, signs, run->length);
}

/* Whether signs that are punctuation elsewhere carry meaning here. */
static bool is_meant(const uint8_t *text, size_t size, const Run *run, const Words *words) {
    bool touches = words->in_word, figure = run->after == FIGURE;
    bool opens = figure || run->after == A || run->after == ALONE;
    bool blank = is(run->before, SPACE), blank_after = is(run->after, SPACE);
    if (is_run(run, "&&") || is_run(run, "||") || (figure && (is_run(run, "$") || is_run(run, "-$")))) return true;
    if (is_run(run, "#") && touches != opens) return true;
    if (blank && blank_after && !words->begins && run->arrow) return true;
    if (blank == blank_after && words->operand && words->gap <= 4 && operand_at(text, size, run->end))
        return !is_run(run, "</") && !is_run(run, "/>") && (!blank || !is_run(run, "|"));
    if (touches || !opens || is(run->before, CLOSING)) return false;
    if (is_run(run, "-") || is_run(run, "--")) return figure || !words->begins || operand_at(text, size, run->end);
    return figure && (is_run(run, "~") || is_run(run, "<") || (is_run(run, ">") && !words->begins));
}

/* Whether a sign of a run with strong ones is meant: not what Markdown or HTML put beside them. */
static bool is_kept(const uint8_t *text, size_t size, const Run *run, uint8_t previous, uint8_t kind, uint8_t next) {
    return is(kind, STRONG) || (next == '=' && is(kind, COMPARES)) || (kind == '>' && previous == '=') ||
           (kind == '-' && !next && is(previous, STRONG) && operand_at(text, size, run->end)) ||
           (kind == '$' && !next && run->after == FIGURE);
}

typedef struct {
    size_t first, end;       /* of the signs that are meant */
    bool any, joins, counts; /* there are some; all may end a word; all may follow a figure */
} Meant;

/* Go through the signs of a run that are meant; with `into`, add them to that hash. */
static Meant meant(const uint8_t *text, size_t size, const Run *run, Hash *into) {
    Meant result = {0, 0, false, true, true};
    uint8_t previous = 0;
    for (size_t at = run->start; at < run->end;) {
        Letter letter = letter_at(text, size, at);
        uint8_t next = at + letter.size < run->end ? letter_at(text, size, at + letter.size).kind : 0;
        if (!run->strong || is_kept(text, size, run, previous, letter.kind, next)) {
            if (!result.any) result.first = at;
            if (into) hash_letter(into, letter.code);
            result.any = true;
            result.joins &= is(letter.kind, JOINS);
            result.counts &= letter.kind == '%' || letter.kind == MONEY;
            result.end = at + letter.size;
        }
        previous = letter.kind;
        at += letter.size;
    }
    return result;
}

/* Read a run of signs: nothing, the end of the last word, or what waits for the next. Return where it ends. */
static size_t read_signs(Words *words, const uint8_t *text, size_t size, size_t start, uint8_t before) {
    Run run = run_at(text, size, start, before);
    bool heads = words->begins && run.marks && is(run.after, SPACE), rules = run.length > 3 && run.same;
    bool counts = run.strong || (run.length <= 3 && is_meant(text, size, &run, words));
    Meant signs = {0};
    if (!heads && !rules && counts) signs = meant(text, size, &run, NULL);
    bool closes = signs.any && (signs.end < run.end || (run.after != A && run.after != FIGURE));
    bool near = words->in_word && signs.first == start;
    bool spaced = words->figure && words->gap == 1 && before == BLANK && signs.first == start;
    if (closes && ((near && signs.joins) || (spaced && signs.counts))) {
        meant(text, size, &run, &words->hash);
        words->is_signed = true;
        words->figure = false;
        words->gap = 0;
    } else {
        if (signs.any) {
            if (!words->waits) words->pending = (Hash){.value = SEED};
            words->waits = true;
            meant(text, size, &run, &words->pending);
        }
        words->gap = MANY;
    }
    words->in_word = words->begins = false;
    return run.end;
}

/* Read the ASCII letters of a word from here on: nearly all there is in most texts, so eight at a time. */
static inline size_t read_letters(Words *words, const uint8_t *text, size_t size, size_t at) {
    unsigned bits = 64;
    for (size_t left = size - at; bits == 64; at += bits / 8, left = size - at) {
        uint64_t block = 0;
        if (left < 8) memcpy(&block, text + at, left);
        else memcpy(&block, text + at, 8); /* a size that is known costs no call */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        block = __builtin_bswap64(block);
#endif
        uint64_t small = block | EACH(0x20), seven = small & EACH(0x7f);
        uint64_t stops = (~(seven + EACH(0x80 - 'a')) | (seven + EACH(0x7f - 'z')) | block) & EACH(0x80);
        bits = stops ? (unsigned)__builtin_ctzll(stops) & ~7u : 64;
        if (words->out && bits) hash_bytes(&words->hash, small & ~(uint64_t)0 >> (64 - bits), bits);
    }
    return at;
}

/* Read the letters from here to the end of the text. */
static ALWAYS_INLINE bool read(Words *words, const uint8_t *text, size_t size) {
    uint8_t before = BLANK; /* kind of the last character */
    for (size_t at = 0; at < size;) {
        if (text[at] == ' ') {
            words->in_word = false;
            words->gap += words->gap < MANY;
            before = BLANK;
            at++;
            continue;
        }
        if (ASCII[text[at]] == A) {
            size_t start = at;
            if ((!words->in_word || words->letter == ALONE) && !open_word(words)) return false;
            at = read_letters(words, text, size, at);
            words->operand = at - start == 1 && words->letter != A;
            words->begins = words->figure = false;
            words->gap = 0;
            words->letter = before = A;
            continue;
        }
        Letter letter = letter_at(text, size, at);
        uint8_t kind = letter.kind;
        if (kind == A || kind == FIGURE || kind == ALONE) {
            if (!words->in_word || kind == ALONE || words->letter == ALONE) {
                if (!open_word(words)) return false;
                words->begins = false;
            }
            if (words->out) hash_letter(&words->hash, letter.code);
            words->figure = kind == FIGURE;
            words->operand = kind == FIGURE || (kind == A && words->letter != A);
            words->letter = kind;
            words->gap = 0;
        } else if (words->in_word && (kind == MARK || kind == JOINER)) {
            if (kind == MARK && words->out) hash_letter(&words->hash, letter.code);
        } else if (words->in_word && kind == '.' && before == FIGURE && letter_at(text, size, at + 1).kind == FIGURE) {
            if (words->out) hash_bytes(&words->hash, '.', 8);
            words->letter = kind;
        } else if (is_sign(text, size, at, kind)) {
            at = read_signs(words, text, size, at, before);
            before = OTHER; /* what follows a run is no sign, and no point that opens a word */
            continue;
        } else {
            uint8_t next = letter_at(text, size, at + letter.size).kind;
            bool opens = (kind == '.' || kind == '!') && (is(before, SPACE) || before == '(') && (next == A || next == FIGURE);
            if (opens) wait_for_word(words, letter.code);
            pass(words, kind);
        }
        before = kind;
        at += letter.size;
    }
    if (words->waits && !open_word(words)) return false;
    return !words->out || !words->count || close_word(words);
}

uint64_t count_words(const uint8_t *text, size_t size) {
    Words words = {.begins = true, .gap = MANY};
    read(&words, text, size);
    return words.count;
}

/* The words' hashes. */
int list_words(const uint8_t *text, size_t size, Buffer *out) {
    Words words = {.out = out, .begins = true, .gap = MANY};
    return read(&words, text, size) ? CHANGED : NO_MEMORY;
}

/* The number of words, then the place and the hash of each run of three whose slot is marked. */
int list_runs(const uint8_t *text, size_t size, const uint8_t *slots, size_t count, Buffer *out) {
    Words words = {.out = out, .slots = slots, .slot_count = count, .begins = true, .gap = MANY};
    size_t start = out->size;
    if (!add_number(out, 0) || !read(&words, text, size)) return NO_MEMORY;
    memcpy(out->at + start, &words.count, sizeof words.count);
    return CHANGED;
}

/* Two texts in one: the size of the first, a colon, and both. The number of different words that both have, the number
   that one has at least, and the same for the words with a sign. */
int compare_words(const uint8_t *text, size_t size, Buffer *out) {
    size_t first = 0, at = 0;
    while (at < size && text[at] != ':') first = first * 10 + (size_t)(text[at++] - '0');
    at += at < size;
    if (first > size - at) first = size - at;
    Set set = {.text = 1};
    Words one = {.out = out, .set = &set, .begins = true, .gap = MANY}, other = one;
    bool fits = read(&one, text + at, first);
    set.text = 2;
    fits = fits && read(&other, text + at + first, size - at - first);
    uint64_t numbers[4] = {0, set.count, 0, 0};
    for (size_t i = 0; fits && i < set.slots; i += 8) { /* bytes of ones are added up by a product */
        uint64_t in;
        memcpy(&in, set.in + i, 8);
        numbers[0] += (in & in >> 1 & EACH(1)) * EACH(1) >> 56;
        numbers[2] += (in & in >> 1 & in >> 2 & EACH(1)) * EACH(1) >> 56;
        numbers[3] += (in >> 2 & EACH(1)) * EACH(1) >> 56;
    }
    fits = fits && buffer_add(out, (const uint8_t *)numbers, sizeof numbers);
    free(set.words);
    free(set.in);
    return fits ? CHANGED : NO_MEMORY;
}
