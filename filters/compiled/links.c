/* Links to their words, in one Markdown text. The rules, and the reasons for them, are those of links.py, in its order.

   The walk collects cuts; then the text is copied with marks for what goes, and the marks are taken out line by line.
   Marks are bytes that UTF-8 never holds. */
#include "text.h"

#define MARK 0xFF /* where a link went */
#define CODE 0xFE /* before code and after it */
#define DEPTH 16  /* open brackets that are remembered */

typedef const uint8_t *Place;
typedef struct {
    Place from, to;
} Range;
typedef enum { DROPPED, MARKED, CODED } Kind; /* cut alone, or with a mark, or code, which is not cut */
typedef struct {
    Range range;
    Kind kind;
    Range label; /* must be defined, where label.from is not NULL */
} Cut;
static const Range NONE = {NULL, NULL};

/* Classes of bytes: the walk looks at it; space; space beyond ASCII may begin; <>; (); []; tick; trailing punctuation;
   a block may begin; what can be empty ends. */
enum {
    WALK = 1, SPACE = 2, WIDE = 4, ANGLE = 8, ROUND = 16, SQUARE = 32, TICK = 64, STOP = 128, BLOCK = 256, LAST = 512
};
static const uint16_t CLASS[256] = {
    ['\t'] = SPACE, ['\n'] = SPACE | WALK, ['\v'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE, [' '] = SPACE,
    ['!'] = STOP, ['"'] = STOP | LAST, ['$'] = WALK, ['\''] = STOP | LAST, ['('] = ROUND, [')'] = ROUND | LAST,
    ['*'] = STOP | BLOCK | LAST, ['+'] = BLOCK, [','] = STOP, ['-'] = BLOCK, ['.'] = STOP,
    ['0'] = BLOCK, ['1'] = BLOCK, ['2'] = BLOCK, ['3'] = BLOCK, ['4'] = BLOCK, ['5'] = BLOCK, ['6'] = BLOCK,
    ['7'] = BLOCK, ['8'] = BLOCK, ['9'] = BLOCK, [':'] = STOP, [';'] = STOP, ['<'] = ANGLE | WALK, ['>'] = ANGLE,
    ['?'] = STOP, ['F'] = WALK, ['H'] = WALK, ['W'] = WALK, ['['] = SQUARE | WALK | BLOCK, ['\\'] = WALK,
    [']'] = SQUARE | WALK | LAST, ['_'] = STOP, ['`'] = TICK | WALK | BLOCK, ['f'] = WALK, ['h'] = WALK, ['w'] = WALK,
    ['}'] = LAST, ['~'] = BLOCK | LAST, [0x99] = LAST, [0x9D] = LAST, /* of ’ and ” */
    [0xC2] = WIDE, [0xE2] = WIDE, [0xE3] = WIDE,
};

static bool line_ends(Place at, Place end) { return at == end || *at == '\n'; }
static bool is(Place at, Place end, uint8_t byte) { return at < end && *at == byte; }
static bool digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }
static uint8_t lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? byte + 32 : byte; }
static bool letter(uint8_t byte) { return lower(byte) >= 'a' && lower(byte) <= 'z'; }
static bool blank(uint8_t byte) { return byte == ' ' || byte == '\t'; }

static bool in(uint8_t byte, const char *set) {
    while (*set && (uint8_t)*set != byte) set++;
    return *set;
}

/* Step over bytes of a set. */
static Place skip(Place at, Place end, const char *set) {
    while (at < end && in(*at, set)) at++;
    return at;
}

/* Step over a word, in any case; NULL where it is another. */
static Place word(Place at, Place end, const char *letters) {
    for (; *letters; at++, letters++)
        if (at == end || lower(*at) != (uint8_t)*letters) return NULL;
    return at;
}

/* Say whether a space stands where a WIDE byte is: U+00A0, U+2000 to 200A, 2028, 2029, 202F, 205F, 3000. */
static bool wide_space(Place at, Place end) {
    if (at[0] == 0xC2) return end - at > 1 && at[1] == 0xA0;
    if (end - at < 3) return false;
    if (at[0] == 0xE3) return at[1] == 0x80 && at[2] == 0x80;
    if (at[1] == 0x81) return at[2] == 0x9F;
    return at[1] == 0x80 && (at[2] <= 0x8A || at[2] == 0xA8 || at[2] == 0xA9 || at[2] == 0xAF);
}

/* Step to a space, or to a byte of these classes. */
static Place until(Place at, Place end, int classes) {
    for (; at < end; at++) {
        int class = CLASS[*at] & (classes | SPACE | WIDE);
        if (class && (class != WIDE || wide_space(at, end))) break;
    }
    return at;
}

static Place gap(Place at, Place end) {
    at = skip(at, end, " \t\r");
    return is(at, end, '\n') ? skip(at + 1, end, " \t\r") : at;
}

/* Step over an item's beginning: a sign, or a number, and blanks; NULL where there is none. */
static Place item(Place at, Place end) {
    Place sign = at;
    while (sign < end && sign - at < 9 && digit(*sign)) sign++;
    if (sign == end || !in(*sign, sign > at ? ".)" : "-*+")) return NULL;
    Place after = skip(sign + 1, end, " \t");
    return after > sign + 1 ? after : NULL;
}

static Place scheme(Place at, Place end) {
    Place after;
    static const char *const SCHEMES[] = {"http://", "https://", "ftp://", "mailto:", "www."};
    for (int i = 0; i < 5; i++)
        if ((after = word(at, end, SCHEMES[i]))) return after;
    return NULL;
}

/* Step over what an absolute address begins with. */
static Place absolute(Place at, Place end) {
    if (is(at, end, '<')) at++;
    return is(at, end, '/') || is(at, end, '#') ? at + 1 : scheme(at, end);
}

/* Step over a title with the gap before it, where there is one. */
static Place title(Place at, Place end) {
    Place quote = gap(at, end);
    if (quote == at || quote == end || !(*quote == '"' || *quote == '\'' || *quote == '(')) return at;
    uint8_t close = *quote == '(' ? ')' : *quote;
    Place last = quote + 1;
    while (last < end && *last != close && *last != '\n' && !(close == ')' && *last == '(')) last++;
    return is(last, end, close) ? last + 1 : at;
}

/* Step over an address, in which brackets balance, two deep. */
static Place address(Place at, Place end) {
    if (is(at, end, '<')) {
        for (at++; at < end && *at != '<' && *at != '>' && *at != '\n';) at++;
        return is(at, end, '>') ? at + 1 : NULL;
    }
    for (int depth = 0;; at++) {
        at = until(at, end, ANGLE | ROUND);
        if (is(at, end, '(')) {
            if (++depth > 2) return NULL;
        } else if (depth && is(at, end, ')')) {
            depth--;
        } else {
            return depth ? NULL : at;
        }
    }
}

/* Step over (address "title"), NULL where it is none. */
static Place target(Place at, Place end) {
    if (!is(at, end, '(')) return NULL;
    at = address(gap(at + 1, end), end);
    if (!at) return NULL;
    at = gap(title(at, end), end);
    return is(at, end, ')') ? at + 1 : NULL;
}

/* Step over [label]. */
static Place bracketed(Place at, Place end) {
    if (!is(at, end, '[')) return NULL;
    for (at++; at < end && *at != '[' && *at != ']' && *at != '\n';) at++;
    return is(at, end, ']') ? at + 1 : NULL;
}

/* Step over a fence and what it holds, to its end or the text's. */
static Place fence(Place at, Place end) {
    for (Place next; (next = item(at, end));) at = next;
    if (!is(at, end, '`') && !is(at, end, '~')) return NULL;
    const char *sign = *at == '~' ? "~" : "`";
    Place info = skip(at, end, sign);
    ptrdiff_t size = info - at;
    while (info < end && *info != '`' && *info != '\n') info++;
    if (size < 3 || !is(info, end, '\n')) return NULL;
    for (Place line = info + 1;;) {
        Place close = skip(line, end, " \t>");
        Place last = skip(close, end, sign);
        if (last - close >= size && line_ends(last = skip(skip(last, end, "`~"), end, " \t\r"), end)) return last;
        line = memchr(line, '\n', end - line);
        if (!line++) return end;
    }
}

/* Step over a line that defines a label. */
static Place definition(Place at, Place end, Range *label) {
    Place close = bracketed(at, end);
    if (!close || close - at < 3 || at[1] == '^' || !is(close, end, ':')) return NULL;
    *label = (Range){at + 1, close - 1};
    at = absolute(skip(close + 1, end, " \t"), end);
    if (!at) return NULL;
    at = until(at, end, 0);
    Place last = skip(title(at, end), end, " \t\r");
    if (!line_ends(last, end)) last = skip(at, end, " \t\r");
    return line_ends(last, end) ? last : NULL;
}

/* Step over a code span, within its paragraph. */
static Place span(Place at, Place end) {
    Place next = skip(at, end, "`");
    ptrdiff_t size = next - at;
    while (size <= 9 && next < end) {
        if (*next == '`') {
            Place run = next;
            next = skip(next, end, "`");
            if (next - run == size) return next;
        } else if (*next++ == '\n' && is(skip(next, end, " \t\r"), end, '\n')) {
            break;
        }
    }
    return NULL;
}

/* Say whether a letter is there; every sign beyond ASCII is one. */
static bool worded(Place at, Place end) {
    while (at < end && !letter(*at) && *at != '_' && *at < 0x80) at++;
    return at < end;
}

/* Say whether a letter or digit stands before: of ASCII, or U+00C0 to U+053F. */
static bool after_word(Place text, Place at) {
    if (at == text) return false;
    if (at[-1] < 0x80) return letter(at[-1]) || digit(at[-1]);
    return at - text > 1 && at[-2] >= 0xC3 && at[-2] <= 0xD4;
}

/* Count the bytes of the trailing punctuation before a place: 0 where there is none, 3 for ’ and ”. */
static int punctuation(Place from, Place at) {
    if (at > from && CLASS[at[-1]] & STOP) return 1;
    return at - from > 2 && at[-3] == 0xE2 && at[-2] == 0x80 && (at[-1] == 0x99 || at[-1] == 0x9D) ? 3 : 0;
}

/* Step over an address that stands alone: in angle brackets, or bare. */
static Place alone(Place text, Place at, Place end) {
    Place after = scheme(*at == '<' ? at + 1 : at, end);
    if (!after) return NULL;
    if (*at == '<') {
        after = until(after, end, ANGLE);
        return is(after, end, '>') ? after + 1 : NULL;
    }
    if (after_word(text, at) || (at > text && in(at[-1], "_@/."))) return NULL;
    if (lower(*at) == 'm') return NULL;
    if (lower(*at) == 'w' && (after == end || !(worded(after, after + 1) || digit(*after)))) return NULL;
    for (;;) {
        Place stop = until(after, end, ANGLE | ROUND | SQUARE | TICK);
        Place close = is(stop, end, '(') ? until(stop + 1, end, ANGLE | ROUND | TICK) : end;
        if (is(close, end, ')')) {
            after = close + 1;
            continue;
        }
        for (int size; (size = punctuation(after, stop));) stop -= size;
        return stop;
    }
}

/* What the walk collects. */
typedef struct {
    Buffer cuts, labels; /* of Cut, in the order of the text; of Range, that lines of the text define */
    Place paragraph;     /* where the one that the walk is in ends */
    Place none[4];       /* up to where a sign of FORMULAS opens none */
    bool links;          /* whether there is a cut that is not code */
    bool defines;        /* whether a line may define a label */
} Walk;

static bool add_cut(Walk *walk, Place from, Place to, Kind kind, Range label) {
    Cut cut = {{from, to}, kind, label};
    walk->links |= kind != CODED;
    return buffer_add(&walk->cuts, (Place)&cut, sizeof cut);
}

/* Cut what stands before cuts that are there already. The few in one bracket are moved, and once for each bracket. */
static bool insert_cut(Walk *walk, size_t index, Place from, Place to, Kind kind, Range label) {
    if (!add_cut(walk, from, to, kind, label)) return false;
    Cut *at = (Cut *)(walk->cuts.at + index), cut = *(Cut *)(walk->cuts.at + walk->cuts.size - sizeof cut);
    memmove(at + 1, at, walk->cuts.size - index - sizeof cut);
    *at = cut;
    return true;
}

/* An open bracket, and the cuts that were there before it. */
typedef struct {
    Place at;
    size_t cuts;
} Bracket;

/* Read on after words in brackets; return where the walk goes on, NULL for want of memory. */
static Place link(Walk *walk, Place text, Bracket open, Place close, Place end) {
    bool image = open.at > text && open.at[-1] == '!';
    Place after = target(close + 1, end);
    Range label = NONE;
    if (after) {
        /* f[x](t) is a link only with an address that looks it. */
        if (after_word(text, open.at) && !absolute(gap(close + 2, end), end)) return close + 1;
    } else if ((after = bracketed(close + 1, end))) {
        bool empty = after == close + 3;
        /* The definition may stand elsewhere, but an index is no link: x[i][j], [1][2]. */
        if (!image && (empty || after_word(text, open.at) || !worded(open.at + 1, close)))
            label = empty ? (Range){open.at + 1, close} : (Range){close + 2, after - 1};
    } else {
        after = close + 1;
        if (!worded(open.at + 1, close)) return after;
        label = (Range){open.at + 1, close};
    }
    if (label.from && !walk->defines) return after;
    bool enough = image ? insert_cut(walk, open.cuts, open.at - 1, after, MARKED, label)
                        : insert_cut(walk, open.cuts, open.at, open.at + 1, DROPPED, label) &&
                              add_cut(walk, close, after, close > open.at + 1 ? DROPPED : MARKED, label);
    return enough ? after : NULL;
}

/* Read what begins at a line's start; return where the walk goes on, NULL for want of memory. */
static Place block(Walk *walk, Place at, Place end) {
    Place start = skip(at, end, " \t>"), after;
    Range label;
    if (start == end || !(CLASS[*start] & BLOCK)) return at;
    if ((after = fence(start, end))) return add_cut(walk, at, after, CODED, NONE) ? after : NULL;
    if (!(after = definition(start, end, &label))) return at;
    if (!buffer_add(&walk->labels, (Place)&label, sizeof label)) return NULL;
    return add_cut(walk, at, after, MARKED, NONE) ? after : NULL;
}

/* What opens a formula, and what closes it within its paragraph, as in a price nothing does. */
static const char FORMULAS[][2][3] = {{"$$", "$$"}, {"$", "$"}, {"\\[", "\\]"}, {"\\(", "\\)"}};
enum { DOLLAR = 1 };

static Place paragraph_end(Place at, Place end) {
    while ((at = memchr(at, '\n', end - at)) && !is(skip(at + 1, end, " \t\r"), end, '\n')) at++;
    return at ? at : end;
}

static Place find(Place at, Place end, const char *sign) {
    size_t size = strlen(sign);
    for (; (at = memchr(at, *sign, end - at)); at++)
        if ((size_t)(end - at) >= size && !memcmp(at, sign, size)) return at;
    return NULL;
}

/* A $ opens no formula behind a letter or before a blank, and closes none behind a blank or before a letter: prices. */
static bool dollars(Place text, Place open, Place close, Place end) {
    Place after = close + 1;
    bool letter_after = after < end && (*after < 0x80 ? letter(*after) || digit(*after) : *after >= 0xC3 && *after <= 0xD4);
    return !after_word(text, open) && !(CLASS[open[1]] & SPACE) && !(CLASS[close[-1]] & SPACE) && !letter_after;
}

/* Find the end of a formula, NULL if none opens here. */
static Place formula(Walk *walk, Place text, Place at, Place end) {
    int i = 0;
    while (i < 4 && !((size_t)(end - at) >= strlen(FORMULAS[i][0]) && !memcmp(at, FORMULAS[i][0], strlen(FORMULAS[i][0])))) i++;
    if (i == 4 || (walk->none[i] && at < walk->none[i])) return NULL;
    if (!walk->paragraph || walk->paragraph <= at) walk->paragraph = paragraph_end(at, end);
    size_t size = strlen(FORMULAS[i][0]);
    Place close = find(at + size, walk->paragraph, FORMULAS[i][1]);
    Place address = close ? find(at + size, close, "://") : walk->paragraph;
    if (!address && i == DOLLAR && !dollars(text, at, close, end)) address = close;
    walk->none[i] = address;
    return address ? NULL : close + size;
}

/* Walk over the text; false for want of memory. */
static bool collect(Walk *walk, Place text, Place end) {
    Bracket brackets[DEPTH]; /* a ring: what is opened first is forgotten first */
    size_t top = 0, open = 0;
    Place at = block(walk, text, end), after;
    while (at) {
        while (at < end && !(CLASS[*at] & WALK)) at++;
        if (at == end) return true;
        Place start = at++;
        switch (*start) {
        case '[':
            brackets[top++ % DEPTH] = (Bracket){start, walk->cuts.size};
            if (open < DEPTH) open++;
            break;
        case ']':
            if (!open) break;
            open--;
            at = link(walk, text, brackets[--top % DEPTH], start, end);
            break;
        case '\n':
            if (is(skip(at, end, " \t\r"), end, '\n')) open = 0;
            else at = block(walk, at, end);
            break;
        case '`':
            after = span(start, end);
            at = after ? after : skip(start, end, "`");
            /* Code within a line needs no care, as it begins and ends with ticks. */
            if (after && memchr(start, '\n', after - start) && !add_cut(walk, start, after, CODED, NONE)) return false;
            break;
        case '$':
        case '\\':
            after = formula(walk, text, start, end);
            if (after) at = after;
            else if (at < end && in(*at, *start == '$' ? "$" : "\\[]`<$")) at++;
            break;
        default: /* what an address can begin with */
            if (*start != '<' && !(at < end && (lower(*at) == 't' || lower(*at) == 'w'))) break;
            if (!(after = alone(text, start, end))) break;
            at = add_cut(walk, start, after, MARKED, NONE) ? after : NULL;
        }
    }
    return false;
}

/* Take the next byte of a label: in lower case, white space as one blank and none at the end; -1 behind the last. */
static int next_byte(Range *label) {
    Place at = label->from;
    while (at < label->to && CLASS[*at] & SPACE) at++;
    if (at == label->to) return -1;
    if (at == label->from) return lower(*label->from++);
    label->from = at;
    return ' ';
}

static int compare(const void *left, const void *right) {
    Range a = *(const Range *)left, b = *(const Range *)right;
    if (a.from < a.to && CLASS[*a.from] & SPACE) next_byte(&a);
    if (b.from < b.to && CLASS[*b.from] & SPACE) next_byte(&b);
    for (;;) {
        int x = next_byte(&a), y = next_byte(&b);
        if (x != y || x < 0) return x - y;
    }
}

static uint8_t *copy(uint8_t *to, Place at, Place end) {
    if (end > at) memmove(to, at, end - at);
    return to + (end - at);
}

static bool defined(const Walk *walk, Range label) {
    size_t count = walk->labels.size / sizeof label;
    return count && bsearch(&label, walk->labels.at, count, sizeof label, compare);
}

/* Copy the text with marks for what is cut; return the end. What is in an image goes with it. */
static uint8_t *cut(const Walk *walk, Place at, Place end, uint8_t *to, bool *changed) {
    const Cut *last = (const Cut *)(walk->cuts.at + walk->cuts.size);
    for (const Cut *next = (const Cut *)walk->cuts.at; next < last; next++) {
        if (next->range.from < at) continue;
        if (next->label.from && !defined(walk, next->label)) continue;
        to = copy(to, at, next->range.from);
        at = next->range.to;
        if (next->kind == CODED) {
            *to++ = CODE;
            to = copy(to, next->range.from, at);
            *to++ = CODE;
        } else {
            *changed = true;
            if (next->kind == MARKED) *to++ = MARK;
        }
    }
    return copy(to, at, end);
}

/* Find where emphasis, quotation marks or brackets begin that end here and hold only marks; brackets blanks too. */
static uint8_t *empty(uint8_t *line, uint8_t *end) {
    static const char *const EMPTY[] = {"*\xFF*", "\"\xFF\"", "'\xFF'", "~~\xFF~~", "“\xFF”", "‘\xFF’"};
    uint8_t *at = end - 1;
    if (!(CLASS[*at] & LAST)) return NULL;
    if (in(*at, ")]}")) {
        bool mark = false;
        for (; at > line && in(at[-1], " \t\xFF"); at--) mark |= at[-1] == MARK;
        return mark && at > line && in(at[-1], "([{") ? at - 1 : NULL;
    }
    for (int i = 0; i < 6; i++) {
        ptrdiff_t size = strlen(EMPTY[i]);
        if (end - line >= size && !memcmp(end - size, EMPTY[i], size)) return end - size;
    }
    return NULL;
}

/* Take them out of a line, from the inside; nothing before the first mark holds one. */
static uint8_t *without_empty(uint8_t *line, Place end) {
    uint8_t *to = memchr(line, MARK, end - line);
    bool code = false;
    for (Place at = to; at < end; at++) {
        *to++ = *at;
        if (*at == CODE) code = !code;
        uint8_t *from = code ? NULL : empty(line, to);
        if (from) {
            *from = MARK;
            to = from + 1;
        }
        while (to - line > 1 && to[-1] == MARK && to[-2] == MARK) to--;
    }
    return to;
}

/* Say whether a line with a mark holds nothing else but an item's sign and a stop. */
static bool only_mark(Place at, Place end) {
    at = skip(at, end, " \t>");
    Place after = item(at, end);
    at = skip(after ? after : at, end, " \t\xFF");
    if (at < end && in(*at, ".,;:")) at++;
    return skip(at, end, " \t\r") == end;
}

/* Copy a line without the signs of code, and with a space or none for each mark and the blanks around it. */
static uint8_t *spaced(uint8_t *to, Place line, Place end) {
    for (Place at = line; at < end;) {
        Place mark = at;
        while (mark < end && *mark < CODE) mark++;
        Place blanks = mark;
        if (is(mark, end, MARK))
            while (blanks > at && blank(blanks[-1])) blanks--;
        uint8_t before = blanks > line ? blanks[-1] : 0, first = blanks == line;
        to = copy(to, at, blanks);
        if (is(mark, end, CODE)) {
            at = memchr(mark + 1, CODE, end - mark - 1);
            to = copy(to, mark + 1, at++);
        } else if (mark < end) {
            at = skip(mark, end, " \t\xFF");
            if (first) to = copy(to, line, mark); /* the indentation */
            else if (at < end && !in(before, "([{") && !in(*at, ".,;:!?)]}\r")) *to++ = ' ';
        } else {
            at = end;
        }
    }
    return to;
}

/* Find the last of these lines if it is blank. The beginning is as good as a blank line. */
static uint8_t *last_blank(uint8_t *start, uint8_t *end) {
    if (end == start) return start;
    for (end--; end > start && in(end[-1], " \t\r");) end--;
    return end == start || end[-1] == '\n' ? end : NULL;
}

/* Take the marks out: with brackets and lines that hold nothing else, and with the spaces too many. It writes over what
   it has read. */
static uint8_t *tidy(uint8_t *start, const uint8_t *end) {
    bool gap = false; /* the last line taken out is still to be joined over */
    uint8_t *to = start;
    for (uint8_t *line = start, *next; line <= end; line = next) {
        bool marked = false, signs = false;
        for (next = line;; next++) {
            while (next < end && *next < CODE && *next != '\n') next++;
            if (next == end || *next == '\n') break;
            signs = true;
            if (*next == MARK) marked = true;
            else next = memchr(next + 1, CODE, end - next - 1);
        }
        uint8_t *last = next++;
        if (marked) {
            last = without_empty(line, last);
            if (only_mark(line, last)) {
                gap = true;
                continue;
            }
        }
        uint8_t *from = to;
        to = signs ? spaced(to, line, last) : copy(to, line, last);
        if (gap && skip(from, to, " \t\r") == to && last_blank(start, from)) {
            to = from; /* of the blank lines before and after what went, one stays; none at the beginning */
            continue;
        }
        gap = false;
        *to++ = '\n';
    }
    for (uint8_t *line; gap && to > start && (line = last_blank(start, to));) to = line;
    return to > start ? to - 1 : to; /* lines end between them */
}

/* Say whether a line may define a label. */
static bool may_define(Place text, Place end) {
    for (Place at = text; (at = memchr(at, ':', end - at)); at++)
        if (at > text && at[-1] == ']') return true;
    return false;
}

/* Say whether a sign is there that every text with a link holds. */
static bool any_sign(Place text, Place end) {
    for (Place at = text; (at = memchr(at, ']', end - at)); at++)
        if (at + 1 < end && in(at[1], "([:")) return true;
    for (Place at = text; (at = memchr(at, ':', end - at)); at++)
        if (word(at, end, "://") || (at - text > 6 && word(at - 7, end, "<mailto:"))) return true;
    for (Place at = text; (at = memchr(at, '.', end - at)); at++)
        if (at - text > 2 && word(at - 3, end, "www.")) return true;
    return false;
}

int strip_links(const uint8_t *text, size_t size, Buffer *out) {
    if (!size || !any_sign(text, text + size)) return UNCHANGED;
    Walk walk = {.defines = may_define(text, text + size)};
    bool changed = false, enough = collect(&walk, text, text + size);
    if (enough && walk.links && (enough = buffer_room(out, size + 2 * (walk.cuts.size / sizeof(Cut)) + 1))) {
        if (walk.labels.size) qsort(walk.labels.at, walk.labels.size / sizeof(Range), sizeof(Range), compare);
        uint8_t *start = out->at + out->size;
        uint8_t *end = cut(&walk, text, text + size, start, &changed);
        if (changed) out->size = tidy(start, end) - out->at;
    }
    free(walk.cuts.at);
    free(walk.labels.at);
    return !enough ? NO_MEMORY : changed ? CHANGED : UNCHANGED;
}
