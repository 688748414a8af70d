/* Stretches of a text in another voice (code, quotations, formulas), and words outside them.

   A scanner gives stretch after stretch, each from the first place behind the last where one opens and ends. What ends
   one does not depend on where it opened, so a search that came to nothing is remembered by the place where it stopped:
   what opens before that place ends there too. So a text of any shape is read a fixed number of times. */
#include "text.h"

/* What the options say with their first byte, above '@': the kinds of stretches, whether some letters are no pronouns
   and some contractions none either, and whether what stands around a word is wanted. */
enum { CODE = 1, QUOTES = 2, FORMULAS = 4, LETTERS = 8, CONTRACTIONS = 16, AROUND = 32 };
enum { DOUBLE_TICK, TICK, QUOTE, CURLY, ANGLE, DOLLARS, BRACKET, PAREN, BEGIN, SEARCHES };

typedef struct {
    const uint8_t *text;
    size_t size;
    int kinds;
    size_t begin, behind; /* where the last stretch began, and the place behind it */
    size_t stop[SEARCHES], end_of[SEARCHES]; /* where a search last stopped, and the end it saw there, 0 for none */
} Scanner;

/* Whether a byte is one of a sign's, but not its first. */
static bool is_inside(uint8_t byte) { return (byte & 0xC0) == 0x80; }

/* Beside the text: a blank, and no letter. */
#define OUTSIDE 0x20u

static uint32_t char_at(const Scanner *s, size_t at) {
    if (at >= s->size) return OUTSIDE;
    const uint8_t *t = s->text + at;
    if (t[0] < 0x80) return t[0];
    if (t[0] < 0xE0) return (uint32_t)(t[0] & 0x1F) << 6 | (t[1] & 0x3F);
    if (t[0] < 0xF0) return (uint32_t)(t[0] & 0x0F) << 12 | (uint32_t)(t[1] & 0x3F) << 6 | (t[2] & 0x3F);
    return (uint32_t)(t[0] & 7) << 18 | (uint32_t)(t[1] & 0x3F) << 12 | (uint32_t)(t[2] & 0x3F) << 6 | (t[3] & 0x3F);
}

static uint32_t char_before(const Scanner *s, size_t at) {
    if (!at) return OUTSIDE;
    do at--;
    while (is_inside(s->text[at]));
    return char_at(s, at);
}

/* Signs that are no letters: punctuation, symbols and blanks beyond ASCII. */
static const uint32_t SIGNS[][2] = {
    {0x80, 0xA9}, {0xAB, 0xB4}, {0xB6, 0xB9}, {0xBB, 0xBF}, {0xD7, 0xD7}, {0xF7, 0xF7}, {0x37E, 0x37E},
    {0x387, 0x387}, {0x5BE, 0x5BE}, {0x5F3, 0x60F}, {0x61B, 0x61F}, {0x6D4, 0x6D4}, {0x964, 0x965}, {0x2000, 0x200B},
    {0x200E, 0x203E}, {0x2041, 0x2053}, {0x2055, 0x2070}, {0x2074, 0x207E}, {0x2080, 0x208E}, {0x20A0, 0x20CF},
    {0x2100, 0x2101}, {0x2103, 0x2106}, {0x2116, 0x2118}, {0x211E, 0x2123}, {0x2140, 0x2144}, {0x2150, 0x215F},
    {0x2189, 0x24B5}, {0x24EA, 0x2BFF}, {0x2E00, 0x3004}, {0x3008, 0x3020}, {0x3030, 0x3030}, {0x303D, 0x303F},
    {0x30FB, 0x30FB}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFF3B, 0xFF3E}, {0xFF40, 0xFF40}, {0xFF5B, 0xFF65},
    {0xFFE0, 0xFFFF}, {0x1F000, 0x1FAFF},
};

static bool is_small(uint8_t byte) { return byte >= 'a' && byte <= 'z'; }
static bool is_ascii_letter(uint32_t c) { return (c | 32) - 'a' < 26; }
static bool is_ascii_word(uint32_t c) { return is_ascii_letter(c) || c - '0' < 10 || c == '_'; }

static bool is_letter(uint32_t c) {
    if (c < 0x80) return is_ascii_word(c);
    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
        if (c <= SIGNS[i][1]) return c < SIGNS[i][0];
    return true;
}

static bool is_blank(uint32_t c) {
    if (c < 0x80) return c == ' ' || c - '\t' < 5;
    return c == 0x85 || c == 0xA0 || c == 0x1680 || c - 0x2000 < 11 || c == 0x2028 || c == 0x2029 || c == 0x202F
        || c == 0x205F || c == 0x3000;
}

/* Whether the text goes on with these bytes. */
static bool goes_on(const Scanner *s, size_t at, const char *bytes) {
    size_t size = strlen(bytes);
    return at + size <= s->size && !memcmp(s->text + at, bytes, size);
}

/* Look for what closes, anywhere. */
static size_t close_anywhere(Scanner *s, size_t *stop, size_t from, const char *sign) {
    for (size_t at = from; at < s->size; at++) {
        const uint8_t *next = memchr(s->text + at, sign[0], s->size - at);
        if (!next) break;
        at = (size_t)(next - s->text);
        if (goes_on(s, at, sign)) return *stop = at, at + strlen(sign);
    }
    return *stop = s->size, 0;
}

/* Look for what closes before a blank line, and not at the beginning of a line; guillemets close on their own line. */
static size_t close_nearby(Scanner *s, size_t *stop, size_t from, const char *sign) {
    bool lines = strcmp(sign, "»");
    for (size_t i = from; i < s->size; i++) {
        if ((uint8_t)sign[0] == s->text[i] && goes_on(s, i, sign)) return *stop = i, i + strlen(sign);
        if (s->text[i] != '\n') continue;
        if (!lines || i + 1 == s->size || s->text[i + 1] == '\n' || goes_on(s, i + 1, sign)) return *stop = i, 0;
    }
    return *stop = s->size, 0;
}

/* Look for TeX's \end{align*}. */
static size_t close_environment(Scanner *s, size_t *stop, size_t from, const char *sign) {
    for (size_t at = from; (at = close_anywhere(s, stop, at, sign));) {
        size_t name = at;
        while (at < s->size && is_small(s->text[at])) at++;
        if (at > name && goes_on(s, at, "}")) return at + 1;
        if (at > name && goes_on(s, at, "*}")) return at + 2;
    }
    return 0;
}

typedef size_t Close(Scanner *, size_t *stop, size_t from, const char *sign);

/* The end of a stretch that opened, 0 if it has none; looked for only where no earlier search has seen it. */
static size_t closed(Scanner *s, int search, Close *close, size_t from, const char *sign) {
    if (s->stop[search] < from) s->end_of[search] = close(s, &s->stop[search], from, sign);
    return s->end_of[search];
}

/* The end of '…' or ‘…’: an apostrophe inside a word closes nothing. */
static size_t close_single(const Scanner *s, size_t at, const char *sign) {
    size_t width = strlen(sign);
    for (; at < s->size && s->text[at] != '\n'; at++) {
        if (width > 1 && goes_on(s, at, "‘")) break;
        if (!goes_on(s, at, sign)) continue;
        if (!is_letter(char_at(s, at + width))) return at + width;
        if (!is_ascii_word(s->text[at - 1]) || !is_ascii_word(char_at(s, at + width))) break;
    }
    return 0;
}

/* The end of $…$. */
static size_t close_dollar(const Scanner *s, size_t from) {
    if (is_blank(char_at(s, from)) || s->text[from] == '$') return 0;
    for (size_t at = from; at < s->size; at++) {
        if (goes_on(s, at, "\n\n")) return 0;
        if (s->text[at] != '$') continue;
        size_t last = at - 1;
        while (is_inside(s->text[last])) last--;
        bool fits = !is_blank(char_at(s, last)) && s->text[last - 1] != '\n' && !is_letter(char_at(s, at + 1));
        return fits ? at + 1 : 0;
    }
    return 0;
}

/* The end of $ … $, on one line. */
static size_t close_spaced_dollar(const Scanner *s, size_t from) {
    uint32_t first = char_at(s, from);
    if (is_blank(first) || first == '$' || first - '0' < 10) return 0;
    for (size_t at = from; at < s->size && s->text[at] != '\n'; at++)
        if (s->text[at] == '$') return s->text[at - 1] == ' ' ? at + 1 : 0;
    return 0;
}

static size_t skip(const Scanner *s, size_t at, const char *bytes) {
    while (at < s->size && s->text[at] && strchr(bytes, s->text[at])) at++;
    return at;
}

static size_t line_end(const Scanner *s, size_t at) {
    const uint8_t *end = memchr(s->text + at, '\n', s->size - at);
    return end ? (size_t)(end - s->text) : s->size;
}

/* The end of what opens where a line begins: a fence, which runs to the end if nothing closes it, or a quoted line. */
static size_t line_closed(Scanner *s, size_t at) {
    size_t mark = skip(s, at, " \t>"), ignored, end;
    const char *fence = goes_on(s, mark, "```") ? "```" : "~~~";
    if (s->kinds & CODE && goes_on(s, mark, fence)) {
        end = close_anywhere(s, &ignored, mark + 3, fence);
        return end ? end : s->size;
    }
    if (!(s->kinds & QUOTES)) return 0;
    mark = skip(s, at, " \t");
    end = skip(s, mark, "0123456789");
    if (end > mark ? goes_on(s, end, ".") : goes_on(s, end, "-") || goes_on(s, end, "*") || goes_on(s, end, "+"))
        mark = skip(s, end + 1, " \t") > end + 1 ? skip(s, end + 1, " \t") : mark;
    return goes_on(s, mark, ">") ? line_end(s, mark) : 0;
}

static size_t address_end(const Scanner *s, size_t at) {
    while (at < s->size && s->text[at] != ')' && (is_inside(s->text[at]) || !is_blank(char_at(s, at)))) at++;
    return at;
}

/* Where a web address began if :// stands here, the place itself if none did. */
static size_t address_begin(const Scanner *s, size_t at) {
    size_t begin = at - (at > 0 && s->text[at - 1] == 's');
    if (begin < s->behind + 4 || memcmp(s->text + begin - 4, "http", 4) || !goes_on(s, at, "://")) return at;
    return begin > 4 && is_ascii_word(s->text[begin - 5]) ? at : begin - 4;
}

/* The end of what opens inside a line, 0 if nothing does. */
static size_t sign_closed(Scanner *s, size_t at) {
    bool after_letter = is_letter(char_before(s, at));
    size_t end = 0;
    switch (s->text[at]) {
    case '`':
        if (goes_on(s, at, "``")) end = closed(s, DOUBLE_TICK, close_anywhere, at + 2, "``");
        return end ? end : closed(s, TICK, close_nearby, at + 1, "`");
    case '"': return after_letter ? 0 : closed(s, QUOTE, close_nearby, at + 1, "\"");
    case '\'':
        if (after_letter || is_blank(char_at(s, at + 1)) || s->text[at + 1] == '\'') return 0;
        return close_single(s, at + 1, "'");
    case 0xC2: return goes_on(s, at, "«") ? closed(s, ANGLE, close_nearby, at + 2, "»") : 0;
    case 0xE2:
        if (goes_on(s, at, "“")) return closed(s, CURLY, close_nearby, at + 3, "”");
        return goes_on(s, at, "‘") ? close_single(s, at + 3, "’") : 0;
    case '$':
        if (goes_on(s, at, "$$")) return closed(s, DOLLARS, close_anywhere, at + 2, "$$");
        if (!after_letter) end = close_dollar(s, at + 1);
        return !end && goes_on(s, at, "$ ") ? close_spaced_dollar(s, at + 2) : end;
    case '\\':
        if (goes_on(s, at, "\\[")) return closed(s, BRACKET, close_anywhere, at + 2, "\\]");
        if (goes_on(s, at, "\\(")) return closed(s, PAREN, close_anywhere, at + 2, "\\)");
        return goes_on(s, at, "\\begin{") ? closed(s, BEGIN, close_environment, at + 7, "\\end{") : 0;
    default: return 0;
    }
}

/* The kinds of stretches that a byte may open. */
static const uint8_t OPENS[256] = {
    ['\n'] = CODE | QUOTES, ['`'] = CODE, [':'] = CODE, ['"'] = QUOTES, ['\''] = QUOTES, [0xC2] = QUOTES, [0xE2] = QUOTES,
    ['$'] = FORMULAS, ['\\'] = FORMULAS,
};

static bool is_stretch(Scanner *s, size_t begin, size_t end) {
    if (!end) return false;
    s->begin = begin;
    s->behind = end;
    return true;
}

/* Go to the next stretch; false where there is none. */
static bool next_stretch(Scanner *s) {
    size_t at = s->behind;
    if (!at && s->kinds & OPENS['\n'] && s->size && is_stretch(s, 0, line_closed(s, 0))) return true;
    for (; at < s->size; at++) {
        const uint8_t *t = s->text + at;
        if (s->size - at >= 4 && !((OPENS[t[0]] | OPENS[t[1]] | OPENS[t[2]] | OPENS[t[3]]) & s->kinds)) {
            at += 3;
            continue;
        }
        uint8_t byte = *t;
        if (!(OPENS[byte] & s->kinds)) continue;
        size_t begin = byte == '\n' ? at + 1 : byte == ':' ? address_begin(s, at) : at;
        if (byte == '\n' && begin < s->size && is_stretch(s, begin, line_closed(s, begin))) return true;
        if (byte == ':' && begin < at) {
            size_t end = address_end(s, at + 3);
            if (end > at + 3 && is_stretch(s, begin, end)) return true;
        }
        if (is_stretch(s, at, sign_closed(s, at))) return true;
    }
    s->begin = s->behind = s->size;
    return false;
}

static const uint8_t MARK[] = "[...]";

/* Write the text from `from` to `to`, with a mark for each stretch that begins there; the scanner stands at the first. */
static bool add_until(Scanner *s, Buffer *out, size_t *from, size_t to, bool *more) {
    for (; *more && s->begin < to; *more = next_stretch(s)) {
        if (s->begin > *from && !buffer_add(out, s->text + *from, s->begin - *from)) return false;
        if (!buffer_add(out, MARK, 5)) return false;
        *from = s->behind;
    }
    if (*from >= to) return true;
    size_t begin = *from;
    *from = to;
    return buffer_add(out, s->text + begin, to - begin);
}

int leave_out(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out) {
    Scanner s = {.text = text, .size = size, .kinds = options_size ? *options - '@' : 0};
    bool more = next_stretch(&s);
    size_t from = 0;
    if (!more) return UNCHANGED;
    return add_until(&s, out, &from, size, &more) ? CHANGED : NO_MEMORY;
}

/* A word to look for, and the place in it of the byte that is looked for first: none of a to z if it has such a one. */
typedef struct {
    const uint8_t *at;
    size_t size, rare;
    bool any_case;
} Word;

enum { MOST_WORDS = 64 };

/* Words, the bytes that are looked for, and where each of these stands next. */
typedef struct {
    Word words[MOST_WORDS];
    size_t count, bytes, next[2 * MOST_WORDS];
    uint8_t byte[2 * MOST_WORDS];
} Words;

static void look_for(Words *words, uint8_t byte) {
    if (words->bytes && memchr(words->byte, byte, words->bytes)) return;
    words->next[words->bytes] = 0;
    words->byte[words->bytes++] = byte;
}

/* The first place from `at` on with one of the bytes that are looked for, 512 bytes at a time: a word may come soon. */
static size_t next_byte(Words *words, const Scanner *s, size_t at) {
    for (size_t end; at < s->size; at = end) {
        end = s->size - at > 512 ? (at | 511) + 1 : s->size;
        size_t first = end;
        for (size_t i = 0; i < words->bytes; i++) {
            size_t *next = &words->next[i];
            if (*next < at || (*next == at && s->text[at] != words->byte[i])) {
                const uint8_t *place = memchr(s->text + at, words->byte[i], end - at);
                *next = place ? (size_t)(place - s->text) : end;
            }
            if (*next < first) first = *next;
        }
        if (first < end) return first;
    }
    return s->size;
}

/* Read words, one a line: "=" and a word, or "~" and a word in any capitals. */
static bool read_words(Words *words, const uint8_t *at, size_t size) {
    words->count = words->bytes = 0;
    for (const uint8_t *end, *last = at + size; at < last; at = end + 1) {
        end = memchr(at, '\n', (size_t)(last - at));
        if (!end) end = last;
        if (end - at < 2 || words->count == MOST_WORDS) return false;
        Word *word = &words->words[words->count++];
        *word = (Word){at + 1, (size_t)(end - at) - 1, 0, *at == '~'};
        while (word->rare + 1 < word->size && is_small(word->at[word->rare])) word->rare++;
        uint8_t byte = word->at[word->rare];
        look_for(words, byte);
        if (word->any_case && is_ascii_letter(byte)) look_for(words, byte ^ 32);
    }
    return true;
}

static bool is_word_at(const Scanner *s, const Word *word, size_t at) {
    if (at + word->size > s->size) return false;
    for (size_t i = 0; i < word->size; i++) {
        uint8_t a = s->text[at + i], b = word->at[i];
        if (a != b && !(word->any_case && is_ascii_letter(b) && (a ^ b) == 32)) return false;
    }
    return !(at && is_ascii_word(s->text[at - 1])) && !is_ascii_word(char_at(s, at + word->size));
}

/* Words before an I that may be a sign, a number, a key or a current: those of the patterns in filters/voice.py. */
static const char BEFORE_SIGNS[] =
    " all an another any each every let some the"
    " annex appendix chapter chapters scene section sections volume volumes"
    " algebra calc calculus category class complex factor grade group level part phase schedule stage tier type"
    " angiotensin bipolar chebyshev collagen photosystem polymerase topoisomerase troponin vitamin"
    " hit hitting press pressed pressing tap tapping typing"
    " button column component current curve event functor gate gates ideal identity image index inertia integral"
    " intensity interval key letter letters matrix module operator operators parameter pauli point pronoun ring row set"
    " subset symbol symbols tensor term unit variable vector vowel word ";

static bool is_before_sign(const uint8_t *word, size_t size) {
    for (const char *at = BEFORE_SIGNS; *++at; at = strchr(at, ' '))
        if (!strncmp(at, (const char *)word, size) && at[size] == ' ') return true;
    return false;
}

static bool is_space(uint8_t byte) { return byte == ' ' || byte == '\n' || byte == '\t'; }

/* The place behind the last byte before `at` that is no blank. */
static size_t trimmed(const Scanner *s, size_t at) {
    while (at && is_space(s->text[at - 1])) at--;
    return at;
}

/* Whether what stands before an I leaves no doubt that it is a pronoun. */
static bool is_pronoun_after(const Scanner *s, size_t at) {
    size_t end = trimmed(s, at), begin = end;
    if (!end) return true;
    uint8_t last = s->text[end - 1], before = end > 1 ? s->text[end - 2] : ' ';
    if (end == at) return last == '(' || last == '"' || (last == '*' && !is_ascii_word(before));
    if (last == ',') return is_small(before) || !is_ascii_letter(before);
    if (last == '.') return before != 'l'; /* Vol. */
    if (!is_ascii_letter(last)) return last < 0x80 && last != '=' && last != '&' && last != '+';
    while (begin && is_ascii_letter(s->text[begin - 1])) begin--;
    if (s->text[begin] < 'a' || (begin && s->text[begin - 1] >= 0x80)) return false;
    if (goes_on(s, begin, "and") || goes_on(s, begin, "or")) {
        size_t list = trimmed(s, begin);
        return !list || is_small(s->text[list - 1]); /* not after a comma, nor "V and I" */
    }
    return !is_before_sign(s->text + begin, end - begin);
}

/* Whether what stands behind an I leaves no doubt that it is a pronoun: 'm, or a small letter, but of no "I and II" or
   "I flows": of words that end with s it says "was" alone. */
static bool is_pronoun_before(const Scanner *s, size_t at) {
    if (goes_on(s, at, "'") || goes_on(s, at, "’")) {
        uint32_t letter = char_at(s, at + (s->text[at] == '\'' ? 1 : 3));
        return !(s->kinds & CONTRACTIONS) && (letter == 'm' || letter == 'v' || letter == 'l' || letter == 'd');
    }
    if (at + 1 >= s->size || !is_space(s->text[at]) || !is_small(s->text[at + 1])) return false;
    if (goes_on(s, at + 1, "and") || goes_on(s, at + 1, "or") || goes_on(s, at + 1, "to")) return false;
    size_t end = at + 1;
    while (end < s->size && is_small(s->text[end])) end++;
    return s->text[end - 1] != 's' || (end - at == 4 && s->text[at + 1] == 'w');
}

/* Whether a word counts wherever it stands, which a pattern need not say again. Not near a sign beyond ASCII, which
   may be a letter; and if some letters are no pronouns, not an I among signs, nor another word near an I. */
static bool is_sure(const Scanner *s, const Word *word, size_t begin) {
    size_t end = begin + word->size;
    bool is_i = word->size == 1 && *word->at == 'I';
    if (s->kinds & LETTERS && is_i) return is_pronoun_after(s, begin) && is_pronoun_before(s, end);
    uint32_t before = char_before(s, begin), behind = char_at(s, end);
    if (before >= 0x80 || behind >= 0x80) return false;
    if (!(s->kinds & LETTERS)) return true;
    if (strchr("-./@$\\", (int)before) || behind == '-' || behind == '.' || behind == '/') return false; /* in a name */
    if (behind == ' ' && strchr("$@%", (int)char_at(s, end + 1))) return false;                       /* my $name = */
    if (s->kinds & CONTRACTIONS && (goes_on(s, end, "'") || !is_ascii_letter(word->at[word->rare]))) return false;
    size_t first = begin > 16 ? begin - 16 : 0, last = s->size - end > 16 ? end + 16 : s->size;
    return !memchr(s->text + first, 'I', last - first);
}

/* The word that stands at a place with its rarest byte, null if none does. */
static const Word *word_at(const Scanner *s, const Words *words, size_t rare) {
    for (size_t i = 0; i < words->count; i++) {
        const Word *word = &words->words[i];
        if ((s->text[rare] ^ word->at[word->rare]) & ~32) continue;
        if (rare >= word->rare && is_word_at(s, word, rare - word->rare)) return word;
    }
    return NULL;
}

/* Whether to cut before a byte may halve a sign, or make a word of half a one. */
static bool is_within_word(uint8_t byte) { return is_inside(byte) || is_ascii_word(byte); }

/* Whether a line with this first byte may be a heading, ## or 2.1, that asks in the reader's voice. */
static bool is_heading(uint8_t byte) { return byte == '#' || (byte >= '0' && byte <= '9'); }

/* What is kept on either side of the words: enough to see whether an I is a pronoun, and 40 signs to show. */
enum { NEAR = 96, MARGIN = 256 };

/* Write the part of the text, without its stretches, in which the first of the words stands; nothing if none stands
   outside them. What is written holds a word just if the whole does: the search ends at the first that is surely one,
   and writes that word alone unless what stands around it is wanted. The words stand behind the first byte of the
   options. */
int spoken(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out) {
    Words words;
    Scanner s = {.text = text, .size = size, .kinds = options_size ? *options - '@' : 0};
    bool more = true, started = false, sure = false, in_heading = false;
    size_t base = out->size, from = 0, first = SIZE_MAX, last = 0, line = base, seen = base;
    size_t margin = s.kinds & AROUND ? MARGIN : NEAR, cut = base;
    if (!options_size || !read_words(&words, options + 1, options_size - 1)) return NO_MEMORY;
    for (size_t at = next_byte(&words, &s, 0); at < size && !sure; at = next_byte(&words, &s, at + 1)) {
        const Word *word = word_at(&s, &words, at);
        if (!word) continue;
        size_t begin = at - word->rare;
        if (!started) more = next_stretch(&s);
        started = true;
        if (!add_until(&s, out, &from, begin, &more)) return NO_MEMORY;
        if (from > begin || (more && s.begin == begin)) {
            if (from > at) at = from - 1;
            continue;
        }
        last = begin + word->size;
        size_t newline = out->size;
        while (newline > seen && out->at[newline - 1] != '\n') newline--;
        if (newline > seen) line = newline;
        seen = out->size;
        in_heading = s.kinds & LETTERS && line < seen && is_heading(out->at[line]);
        if (first == SIZE_MAX) {
            first = out->size;
            if (first - base > margin) cut = in_heading && line < first - margin ? line : first - margin;
        }
        sure = !in_heading && !(more && s.begin < last) && is_sure(&s, word, begin);
        if (sure && !(s.kinds & AROUND)) {
            out->size = base;
            return buffer_add(out, text + begin, word->size) ? CHANGED : NO_MEMORY;
        }
    }
    if (first == SIZE_MAX) return out->size = base, CHANGED;
    if (in_heading && !add_until(&s, out, &from, line_end(&s, from), &more)) return NO_MEMORY;
    for (size_t end = out->size + margin; out->size < end && from < size;) {
        size_t to = size - from > end - out->size ? from + (end - out->size) : size;
        while (to < size && is_within_word(text[to])) to++;
        if (!add_until(&s, out, &from, to, &more)) return NO_MEMORY;
    }
    while (cut > base && is_within_word(out->at[cut])) cut++;
    memmove(out->at + base, out->at + cut, out->size - cut);
    out->size -= cut - base;
    return CHANGED;
}
