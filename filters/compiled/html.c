/* HTML to Markdown in one pass over the bytes, driven by tags. html.py, beside this file, is its short reference.

   Nothing is written before the text it belongs to: breaks, spaces, list markers, quote signs and backticks wait in the
   state until text comes. So empty elements leave no trace, and nothing has to be trimmed. Tags are read as the HTML
   standard's tokenizer reads them, except that a "<" which opens no tag is text.

   Time and memory are linear: what is looked for and not found is not looked for again (`lax`, `no_gt`, `unclosed`),
   and containers are kept to a depth of 24. */
#include "text.h"

/* What an element does; names.py says which element does what. Up to SUP, a tag leaves nothing but its text. */
typedef enum {
    UNKNOWN, INLINE, SUP, PARAGRAPH, LINE, BR, UL, OL, LI, QUOTE, PRE, CODE, TABLE, ROW, CELL, RAW, SKIP
} Kind;

typedef struct {
    uint64_t key; /* its name: six bits for each letter or digit */
    Kind kind;
    int number; /* among its kind */
} Element;

typedef struct {
    char name[33], text[7];
} Character;

/* ELEMENTS and CHARACTERS: hash tables of the names in the HTML standard. names.py writes the header at build time,
   because 2,231 names would be most of this file, and Python's standard library has them. Hash tables, because code is
   full of tags and references: a binary search for each would take as long as all the rest. */
#include "names.h"

#define MAX_DEPTH 24
#define MAX_BARS 64
#define MAX_DIGITS 9 /* more are no list number in Markdown */
#define MAX_NUMBER 999999999
#define MARGIN 1024 /* room for all that can wait: two prefixes of 24 markers, and 64 bars */

typedef struct {
    Kind kind;  /* QUOTE, LI, UL or OL */
    bool waits; /* an item whose marker is not written yet */
    int number; /* of an item, or of the next item of a list; -1: a bullet */
    int indent; /* of its lines */
} Container;

typedef struct {
    const uint8_t *end; /* of the source */
    Buffer out;
    size_t start;   /* of this text in `out` */
    bool no_memory; /* `out` could not grow */

    int gap;         /* waits: 1 a new line, 2 a blank line */
    bool space;      /* waits */
    int bars;        /* between table cells; they wait */
    bool has_cell;   /* this table row has one */
    bool in_cell;
    bool after_list; /* an inner list ended after the last text */

    bool in_code;   /* inside <code> */
    size_t span;    /* where the text of the open code span begins in `out`; 0: none is open */
    bool span_over; /* </code> came, but the backtick waits: <code>a</code><code>b</code> is one span */
    bool has_text;  /* this line of a code block has some */

    Container stack[MAX_DEPTH]; /* the open ones */
    int depth, low;             /* how many they are, and the fewest since the last text */
    size_t too_deep;            /* open ones that are not kept */

    const uint8_t *math_end; /* of the last displayed formula */
    bool lax;                /* a quote in a tag ran to the end of the text: from here on tags end at the first ">" */
    bool no_gt;              /* there is no further ">" */
    unsigned unclosed;       /* bits of the SKIP elements that have no further end tag */
} State;

/* ---- Bytes ---- */

static inline bool is_letter(uint8_t byte) { return (uint8_t)((byte | 32) - 'a') < 26; }
static inline bool is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }
static inline bool is_space(uint8_t byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r' && byte != '\v'); }

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end) {
    while (at < end && is_space(*at)) at++;
    return at;
}

static const uint8_t *find(const uint8_t *at, const uint8_t *end, uint8_t byte) {
    return memchr(at, byte, (size_t)(end - at));
}

static bool room(State *s, size_t more) {
    s->no_memory = s->no_memory || !buffer_room(&s->out, more);
    return !s->no_memory;
}

static inline void put(State *s, uint8_t byte) { s->out.at[s->out.size++] = byte; }

static void put_times(State *s, uint8_t byte, size_t times) {
    memset(s->out.at + s->out.size, byte, times);
    s->out.size += times;
}

static void put_bytes(State *s, const uint8_t *bytes, size_t size) {
    memcpy(s->out.at + s->out.size, bytes, size);
    s->out.size += size;
}

/* ---- Runs of plain bytes ---- */

#define EACH(byte) (0x0101010101010101u * (byte))

/* Mark the bytes of a word that are 0; those above one may be marked, too. */
static inline uint64_t zeros(uint64_t word) { return (word - EACH(1)) & ~word & EACH(0x80); }

static inline uint64_t code_stops(uint64_t word) {
    return zeros(word ^ EACH('<')) | zeros(word ^ EACH('&')) | zeros(word ^ EACH('\n')) | zeros(word ^ EACH('\r')) |
           zeros(word);
}

/* `next` holds the bytes from the second on: two spaces stop a run, one does not. */
static inline uint64_t text_stops(uint64_t word, uint64_t next) {
    uint64_t signs = zeros(word ^ EACH('<')) | zeros((word | EACH('&' ^ '$')) ^ EACH('&')); /* both & and $ */
    uint64_t controls = (word - EACH(' ')) & ~word & EACH(0x80);
    uint64_t spaces = zeros((word ^ EACH(' ')) | (next ^ EACH(' ')));
    return signs | controls | spaces | zeros(word ^ EACH(0xC2)); /* which begins a no-break space */
}

/* Write bytes up to one that may mean something, eight at a time; give the place after them. */
static inline const uint8_t *put_run(State *s, const uint8_t *at, bool code) {
    uint8_t *to = s->out.at + s->out.size;
    for (uint64_t stops = 0; !stops && at < s->end;) {
        uint64_t word = 0; /* behind the end stands 0, which stops */
        size_t left = (size_t)(s->end - at), size = 8;
        if (left < 8)
            memcpy(&word, at, left);
        else
            memcpy(&word, at, 8); /* a size that is known costs no call */
        memcpy(to, &word, 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap64(word);
#endif
        uint64_t next = word >> 8 | (left > 8 ? (uint64_t)at[8] << 56 : 0);
        stops = code ? code_stops(word) : text_stops(word, next);
        if (stops) size = (size_t)__builtin_ctzll(stops) / 8;
        at += size;
        to += size;
    }
    s->out.size = (size_t)(to - s->out.at);
    return at;
}

/* ---- What waits, and how it is written ---- */

/* Ask for a new line (1) or a blank line (2) before the next text. */
static void line_break(State *s, int level) {
    if (s->in_cell)
        s->space = true; /* a table row stays on one line */
    else if (s->low == s->depth && s->gap < level)
        s->gap = level; /* but the first thing in a container stands on its first line */
}

/* Ask for a break that ends a table cell, and is a new line at least. */
static void block_break(State *s, int level) {
    s->in_cell = false;
    line_break(s, level);
    if (!s->gap) s->gap = 1;
}

/* Write an item's marker, "- " or "12. ", as wide as the indent of its lines. */
static void put_marker(State *s, const Container *item) {
    uint8_t *first = s->out.at + s->out.size, *at = first + item->indent;
    *--at = ' ';
    *--at = item->number < 0 ? '-' : '.';
    for (int rest = item->number; at > first; rest /= 10) *--at = '0' + rest % 10;
    s->out.size += item->indent;
}

/* Write what the outermost `depth` containers put before a line. */
static void put_prefix(State *s, int depth) {
    for (Container *container = s->stack; container < s->stack + depth; container++) {
        if (container->kind == QUOTE)
            put_bytes(s, (const uint8_t *)"> ", 2);
        else if (container->waits)
            put_marker(s, container);
        else
            put_times(s, ' ', container->indent);
        container->waits = false;
    }
}

/* Write an empty line inside the outermost `depth` containers. */
static void put_blank(State *s, int depth) {
    size_t first = s->out.size;
    put_prefix(s, depth);
    while (s->out.size > first && s->out.at[s->out.size - 1] == ' ') s->out.size--;
    put(s, '\n');
}

/* Measure the longest run of backticks in what is written from `first` on. */
static size_t longest_run(const State *s, size_t first) {
    size_t longest = 0;
    const uint8_t *end = s->out.at + s->out.size, *at = s->out.at + first;
    while ((at = find(at, end, '`'))) {
        const uint8_t *run = at;
        while (at < end && *at == '`') at++;
        if ((size_t)(at - run) > longest) longest = at - run;
    }
    return longest;
}

/* Put `more` backticks before what is written from `first` on; false without room for them there and behind it. */
static bool add_ticks(State *s, size_t first, size_t more) {
    if (!room(s, 2 * more + MARGIN)) return false;
    uint8_t *text = s->out.at + first;
    memmove(text + more, text, s->out.size - first);
    memset(text, '`', more);
    s->out.size += more;
    return true;
}

/* Close the open code span, with more backticks than it holds in a row. */
static void close_span(State *s) {
    size_t ticks = longest_run(s, s->span); /* one more stands before it already */
    bool pad = s->out.at[s->span] == '`' || s->out.at[s->out.size - 1] == '`';
    if (!add_ticks(s, s->span, ticks + pad)) return;
    if (pad) s->out.at[s->span + ticks] = ' ';
    put_times(s, ' ', pad);
    put_times(s, '`', ticks + 1);
    s->span = 0;
}

/* Write all that waits before the next text, but not the backtick that opens a code span. */
static void begin_block(State *s) {
    bool span_over = s->span_over && (!s->in_code || s->space);
    if (s->span && (s->gap || s->bars || span_over)) close_span(s);
    if (s->gap) {
        if (s->out.size > s->start) {
            put(s, '\n');
            /* Text after an inner list needs a blank line, or Markdown reads it as part of the last item. */
            if (s->gap == 2 || (s->after_list && s->low == s->depth)) put_blank(s, s->low);
        }
        put_prefix(s, s->depth);
    } else if (s->space || s->bars) {
        put(s, ' ');
    }
    for (; s->bars; s->bars--) put_bytes(s, (const uint8_t *)"| ", 2);
    s->gap = 0;
    s->space = s->after_list = false;
    s->low = s->depth;
}

/* Write all that waits before the next text. */
static inline void begin_text(State *s) {
    if (!s->gap && !s->space && !s->bars && !s->span_over && (s->span || !s->in_code)) return;
    begin_block(s);
    if (s->in_code && !s->span) {
        put(s, '`');
        s->span = s->out.size;
    }
    s->span_over = false;
}

/* ---- Tags and comments ---- */

typedef struct {
    const Element *element;
    bool ends; /* </…> */
    const uint8_t *attributes, *close; /* its ">" */
} Tag;

/* Read the tag at the "<" up to its attributes; false where none begins. */
static bool read_tag(const uint8_t *at, const uint8_t *end, Tag *tag) {
    tag->ends = end - at > 1 && at[1] == '/';
    at += tag->ends ? 2 : 1;
    if (at >= end || !is_letter(*at)) return false;
    uint64_t key = 0;
    const uint8_t *first = at;
    for (; at < end && (is_letter(*at) || is_digit(*at)); at++)
        key = key << 6 | (is_letter(*at) ? *at & 31 : (*at & 15) + 27);
    /* No name of HTML has more than ten letters or goes on with another sign: nothing has the key 0. */
    if (at - first > 10 || !(at == end || is_space(*at) || *at == '>' || *at == '/')) key = 0;
    size_t slot = (key * 0x9E3779B97F4A7C15u) >> (64 - ELEMENT_BITS);
    while (ELEMENTS[slot].key && ELEMENTS[slot].key != key) slot = (slot + 1) % (1 << ELEMENT_BITS);
    tag->element = &ELEMENTS[slot];
    tag->attributes = at;
    return true;
}

/* Say whether the quote at `at` begins a value, and is no stray one. */
static bool after_equals(const uint8_t *at, const uint8_t *first) {
    while (at > first && is_space(at[-1])) at--;
    return at > first && at[-1] == '=';
}

/* Find the ">" that ends the tag; false where none does.

   A ">" in a quoted value does not end it. Where such a quote runs to the end of the text, quotes are not trusted any
   more, which also keeps the scan linear. */
static bool find_close(State *s, Tag *tag) {
    if (s->no_gt) return false;
    for (const uint8_t *at = tag->attributes; at < s->end && !s->lax; at++) {
        if (*at == '>') {
            tag->close = at;
            return true;
        }
        bool quote = (*at == '"' || *at == '\'') && after_equals(at, tag->attributes);
        if (quote && !(at = find(at + 1, s->end, *at))) break;
    }
    s->lax = true;
    tag->close = find(tag->attributes, s->end, '>');
    s->no_gt = !tag->close;
    return tag->close;
}

static bool is_comment(const uint8_t *at, const uint8_t *end) {
    return end - at > 3 && at[1] == '!' && at[2] == '-' && at[3] == '-';
}

/* Give the place after the comment at "<!--"; one without an end takes the rest, as in a browser. */
static const uint8_t *comment_end(const uint8_t *at, const uint8_t *end) {
    at += 4;
    if (at < end && *at == '>') return at + 1;
    for (; (at = find(at, end, '>')); at++)
        if ((at[-1] == '-' && at[-2] == '-') || (at[-1] == '!' && at[-2] == '-' && at[-3] == '-')) return at + 1;
    return end;
}

/* Give the place after the comment, declaration or instruction at the "<", or NULL where there is none. */
static const uint8_t *skip_comment(State *s, const uint8_t *at) {
    if (s->end - at < 3) return NULL;
    if (is_comment(at, s->end)) return comment_end(at, s->end);
    if ((at[1] == '/' || at[1] == '!') && at[2] == '>') return at + 3;
    if (s->no_gt || !(at[1] == '?' || (at[1] == '!' && (is_letter(at[2]) || at[2] == '[')))) return NULL;
    at = find(at, s->end, '>');
    s->no_gt = !at;
    return at ? at + 1 : NULL;
}

/* Skip an element that is not shown, from the place after its tag; give the place after its end tag. */
static const uint8_t *skip_element(State *s, const uint8_t *at, const Element *element) {
    unsigned bit = element->kind == SKIP ? 1u << element->number : 0;
    if (s->unclosed & bit) return at;
    Tag tag;
    for (const uint8_t *end = at; (end = find(end, s->end, '<')); end++) {
        if (!read_tag(end, s->end, &tag) || !tag.ends || tag.element != element) continue;
        end = find(end, s->end, '>');
        return end ? end + 1 : s->end;
    }
    s->unclosed |= bit;
    return bit ? at : s->end;
}

/* Give the first byte of an attribute's value, or NULL. */
static const uint8_t *attribute(const Tag *tag, const char name[5]) {
    const uint8_t *at = tag->attributes, *end = tag->close;
    for (; end - at > 6; at++) {
        if (!is_space(*at) && *at != '"' && *at != '\'') continue;
        int same = 0;
        while (same < 5 && (at[1 + same] | 32) == name[same]) same++;
        if (same < 5) continue;
        at = skip_space(at + 6, end);
        if (*at != '=') return NULL;
        at = skip_space(at + 1, end);
        return at + (*at == '"' || *at == '\'');
    }
    return NULL;
}

/* Read the number that is an attribute's value, or give the default. */
static int number_in(const Tag *tag, const char name[5], int otherwise) {
    const uint8_t *at = attribute(tag, name), *first = at;
    int number = 0;
    for (; at && is_digit(*at); at++) {
        if (at - first == MAX_DIGITS) return otherwise;
        number = number * 10 + (*at - '0');
    }
    return at != first ? number : otherwise;
}

/* ---- Lists, quotes and tables ---- */

/* Give the level of the innermost container of either kind, or -1. */
static int innermost(const State *s, Kind kind, Kind other) {
    int level = s->depth - 1;
    while (level >= 0 && s->stack[level].kind != kind && s->stack[level].kind != other) level--;
    return level;
}

static void open_container(State *s, Kind kind, int number, int indent) {
    if (s->depth == MAX_DEPTH)
        s->too_deep++;
    else
        s->stack[s->depth++] = (Container){kind, kind == LI, number, indent};
}

/* Close containers until `depth` are open. */
static void close_to(State *s, int depth) {
    s->depth = depth;
    if (s->low > depth) s->low = depth;
}

/* Close the innermost container of either kind with all in it, where its level is above `barrier`. */
static void close_container(State *s, Kind kind, Kind other, int barrier) {
    int level = innermost(s, kind, other);
    if (s->too_deep)
        s->too_deep--;
    else if (level > barrier)
        close_to(s, level);
}

/* Open or close a list; one that stands in a list without an item of its own is indented as if it had one. */
static void list_tag(State *s, const Tag *tag) {
    if (tag->ends) close_container(s, UL, OL, -1);
    block_break(s, innermost(s, UL, OL) >= 0 || innermost(s, LI, LI) >= 0 ? 1 : 2);
    if (tag->ends) {
        s->after_list = true;
        return;
    }
    Kind kind = tag->element->kind, outer = s->depth ? s->stack[s->depth - 1].kind : UNKNOWN;
    open_container(s, kind, kind == OL ? number_in(tag, "start", 1) : -1, outer == UL ? 2 : outer == OL ? 3 : 0);
}

/* Close an item, or open one, closing the one before it; its number is its list's next. */
static void item_tag(State *s, const Tag *tag) {
    if (tag->ends) close_container(s, LI, LI, innermost(s, UL, OL));
    block_break(s, 1);
    if (tag->ends) return;
    int level = innermost(s, LI, QUOTE), list = innermost(s, UL, OL), number = -1, indent = 2;
    if (level > list && s->stack[level].kind == LI) close_to(s, level);
    if (list >= 0 && s->stack[list].kind == OL && !s->too_deep) {
        number = number_in(tag, "value", s->stack[list].number);
        s->stack[list].number = number < MAX_NUMBER ? number + 1 : MAX_NUMBER;
        indent = 3;
        for (int rest = number; rest > 9; rest /= 10) indent++;
    }
    open_container(s, LI, number, indent);
}

static void quote_tag(State *s, bool ends) {
    if (ends) close_container(s, QUOTE, QUOTE, -1);
    block_break(s, 2);
    if (!ends) open_container(s, QUOTE, -1, 0);
}

/* Begin or end a table or a row. */
static void row_tag(State *s, int level) {
    block_break(s, level);
    s->has_cell = false;
    s->bars = 0;
}

/* Begin or end a cell; bars stand between the cells of a row. */
static void cell_tag(State *s, bool ends) {
    s->in_cell = !ends;
    if (ends) return;
    if (s->has_cell && s->bars < MAX_BARS) s->bars++;
    s->has_cell = true;
}

/* ---- Character references ---- */

/* Give what a name means, or NULL. */
static const char *find_character(const uint8_t *name, size_t size) {
    uint32_t slot = 0;
    for (size_t i = 0; i < size; i++) slot = slot * 31 + name[i];
    for (;; slot++) {
        const Character *character = &CHARACTERS[slot % CHARACTER_SLOTS];
        if (!character->name[0]) return NULL;
        if (!memcmp(character->name, name, size) && !character->name[size]) return character->text;
    }
}

/* Read the longest name at `at`; give its size, or 0. Old names need no semicolon. */
static size_t read_name(const uint8_t *at, const uint8_t *end, const char **meaning) {
    size_t size = 0, most = end - at < LONGEST_NAME ? (size_t)(end - at) : LONGEST_NAME;
    while (size < most && (is_letter(at[size]) || is_digit(at[size]))) size++;
    if (size < most && at[size] == ';' && (*meaning = find_character(at, size + 1))) return size + 1;
    if (size > LONGEST_OLD_NAME) size = LONGEST_OLD_NAME;
    while (size >= 2 && !(*meaning = find_character(at, size))) size--;
    return size < 2 ? 0 : size;
}

/* Read a number behind "&#"; give the place after it, or NULL. */
static const uint8_t *read_number(const uint8_t *at, const uint8_t *end, uint32_t *point) {
    uint32_t base = at < end && (*at | 32) == 'x' ? 16 : 10;
    if (base == 16) at++;
    const uint8_t *first = at;
    for (*point = 0; at < end; at++) {
        uint32_t digit = is_digit(*at) ? *at - '0' : is_letter(*at) ? (*at | 32) - 'a' + 10 : 99;
        if (digit >= base) break;
        *point = *point > 0x10FFFF ? *point : *point * base + digit;
    }
    if (at == first) return NULL;
    return at < end && *at == ';' ? at + 1 : at;
}

/* What &#128; to &#159; mean: the characters of Windows-1252 (HTML standard, 13.2.5.80); five of them have none. */
static const uint16_t WINDOWS[32] = {
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0, 0x017D, 0,
    0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x178,
};

/* Write what a number means, in UTF-8; give its size, 0 for what is no text. */
static size_t encode(uint32_t point, uint8_t *text) {
    if (point >= 128 && point < 160 && !(point = WINDOWS[point - 128])) return 0;
    if (point == 0 || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) point = 0xFFFD;
    if ((point < 32 && !is_space((uint8_t)point)) || point == 127) return 0;
    size_t size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--, point >>= 6) text[i] = 0x80 | (point & 63);
    text[0] = (uint8_t)(size == 1 ? point : 0xF0 << (4 - size) | point);
    return size;
}

/* Resolve the reference at the "&" into `text`, which is "&" where it is none; give the place after it. */
static const uint8_t *resolve(const uint8_t *at, const uint8_t *end, uint8_t text[8], size_t *size) {
    *text = '&';
    *size = 1;
    if (end - at > 1 && at[1] == '#') {
        uint32_t point;
        const uint8_t *after = read_number(at + 2, end, &point);
        if (!after) return at + 1;
        *size = encode(point, text);
        return after;
    }
    const char *meaning;
    size_t name = read_name(at + 1, end, &meaning);
    if (name) memcpy(text, meaning, *size = strlen(meaning));
    return at + 1 + name;
}

/* Write what the "&" at `at` means; give the place after it. White space waits, as if it stood there itself. */
static const uint8_t *reference(State *s, const uint8_t *at) {
    uint8_t text[8];
    size_t size;
    const uint8_t *after = resolve(at, s->end, text, &size);
    if (!size) return after;
    if (is_space(*text) || (size == 2 && text[0] == 0xC2 && text[1] == 0xA0)) {
        s->space = true;
        return after;
    }
    begin_text(s);
    put_bytes(s, text, size);
    return after;
}

/* ---- Code blocks ---- */

/* Say whether a word can follow a fence. */
static bool is_language(const uint8_t *at, const uint8_t *end) {
    if (at == end || end - at > 32 || (end - at == 4 && !memcmp(at, "none", 4))) return false;
    while (at < end && (is_letter(*at) || is_digit(*at) || memchr("+#-._", *at, 5))) at++;
    return at == end;
}

static bool ends_value(uint8_t byte) { return byte == '"' || byte == '\'' || byte == '>'; }

/* Find the language named by a class like "lang-r" or "language-r"; give its size, 0 where none is. */
static size_t find_language(const Tag *tag, const uint8_t **word) {
    const uint8_t *at = attribute(tag, "class");
    for (; at && !ends_value(*at); at += is_space(*at)) {
        const uint8_t *first = at;
        while (!is_space(*at) && !ends_value(*at)) at++;
        const uint8_t *dash = find(first, at, '-');
        if (!dash || (dash - first != 4 && dash - first != 8) || memcmp(first, "language", dash - first)) continue;
        *word = dash + 1;
        if (is_language(*word, at)) return at - *word;
    }
    return 0;
}

/* Say whether nothing but white space is left before </code> or </pre>, or the end. */
static bool ends_here(const uint8_t *at, const uint8_t *end) {
    Tag tag;
    at = skip_space(at, end);
    if (at == end) return true;
    return *at == '<' && read_tag(at, end, &tag) && tag.ends && (tag.element->kind == PRE || tag.element->kind == CODE);
}

/* End a line of code; an empty one keeps the quote signs before it. */
static void new_line(State *s) {
    if (s->has_text)
        put(s, '\n');
    else
        put_blank(s, s->depth);
    s->has_text = false;
}

/* Do what the "<" at `at` begins inside code; give the place after it, or NULL where it is only a "<".

   Only elements of HTML are tags here: <stdio.h> or <String> in code that its author did not escape is code. */
static const uint8_t *code_tag(State *s, const uint8_t *at, bool *done) {
    if (is_comment(at, s->end)) return comment_end(at, s->end);
    Tag tag;
    if (!read_tag(at, s->end, &tag) || tag.element->kind == UNKNOWN || !find_close(s, &tag)) return NULL;
    Kind kind = tag.element->kind;
    at = tag.close + 1;
    *done = tag.ends && (kind == PRE || (kind == CODE && ends_here(at, s->end)));
    if (*done && kind == CODE) return skip_space(at, s->end);
    bool block = (kind > SUP && kind < PRE) || (kind == CELL && !tag.ends);
    if (kind == BR || (block && s->has_text)) new_line(s);
    return at;
}

/* Write bytes of a line of code, before which stands what containers put there; give the place after them. */
static const uint8_t *code_text(State *s, const uint8_t *at) {
    if (!s->has_text) put_prefix(s, s->depth);
    s->has_text = true;
    if (*at != '&') {
        put(s, *at);
        return put_run(s, at + 1, true);
    }
    uint8_t text[8];
    size_t size;
    at = resolve(at, s->end, text, &size);
    put_bytes(s, text, size);
    if (size == 1 && *text == '\n') s->has_text = false;
    return at;
}

/* Write the text of a code block, which ends in a new line; give the place after it. */
static const uint8_t *code_lines(State *s, const uint8_t *at) {
    bool done = false;
    s->has_text = false;
    while (!done && at < s->end && room(s, s->end - at + MARGIN)) {
        const uint8_t *after = *at == '<' ? code_tag(s, at, &done) : NULL;
        if (after) {
            at = after;
        } else if (*at == 0 || (*at == '\r' && s->end - at > 1 && at[1] == '\n')) {
            at++;
        } else if (*at == '\n' || *at == '\r') {
            new_line(s);
            at++;
        } else {
            at = code_text(s, at);
        }
    }
    if (s->has_text) put(s, '\n');
    return at;
}

/* Write the block that a <pre> opens, fenced, inside whatever list or quote holds it; give the place after it. */
static const uint8_t *code_block(State *s, const Tag *pre) {
    const uint8_t *at = pre->close + 1, *word;
    if (at < s->end && *at == '\r') at++;
    if (at < s->end && *at == '\n') at++; /* a new line right after <pre> is not part of it */
    size_t word_size = find_language(pre, &word);
    Tag code;
    if (at < s->end && *at == '<' && read_tag(at, s->end, &code) && code.element->kind == CODE && !code.ends &&
        find_close(s, &code)) {
        at = code.close + 1;
        if (!word_size) word_size = find_language(&code, &word);
    }
    block_break(s, 2);
    if (ends_here(at, s->end)) return skip_space(at, s->end); /* an empty block leaves no trace */
    begin_block(s);
    put_times(s, '`', 3);
    size_t first = s->out.size;
    if (word_size) put_bytes(s, word, word_size);
    put(s, '\n');
    at = code_lines(s, at);
    size_t ticks = longest_run(s, first), more = ticks > 2 ? ticks - 2 : 0;
    if (!add_ticks(s, first, more)) return at;
    put_prefix(s, s->depth);
    put_times(s, '`', 3 + more); /* both fences are longer than any run of backticks between them */
    s->span_over = s->has_cell = false;
    s->gap = 2;
    return at;
}

/* ---- The scan ---- */

/* Write the byte at `at`, whatever it is, and the run behind it, whose last space waits; give the place after them. */
static const uint8_t *put_text(State *s, const uint8_t *at) {
    begin_text(s);
    put(s, *at);
    at = put_run(s, at + 1, false);
    s->space = s->out.at[s->out.size - 1] == ' ';
    s->out.size -= s->space;
    return at;
}

/* Say whether the raised text at `at` is an exponent: 10<sup>6</sup> is no 106. Ordinals and footnotes are none. */
static bool is_power(const State *s, const uint8_t *at) {
    size_t size = s->out.size - s->start;
    if (at == s->end || !size || s->gap || s->space) return false;
    if (!is_digit(*at) && *at != '-' && *at != 0xE2) return false; /* 0xE2 begins the minus sign */
    const uint8_t *base = s->out.at + s->out.size - 1;
    if (is_letter(*base)) return size == 1 || !(is_letter(base[-1]) || base[-1] >= 128);
    return is_digit(*base) || *base == ')';
}

/* Do what the "<" at `at` begins; give the place after it. */
static const uint8_t *markup(State *s, const uint8_t *at) {
    Tag tag;
    const uint8_t *after = skip_comment(s, at);
    if (after) return after;
    if (!read_tag(at, s->end, &tag) || !find_close(s, &tag)) return put_text(s, at);
    after = tag.close + 1;
    switch (tag.element->kind) {
        case UNKNOWN: case INLINE: break;
        case SUP: if (!tag.ends && is_power(s, after)) put(s, '^'); break;
        case PARAGRAPH: line_break(s, 2); break;
        case LINE: line_break(s, 1); break;
        case BR: line_break(s, s->gap ? 2 : 1); break;
        case UL: case OL: list_tag(s, &tag); break;
        case LI: item_tag(s, &tag); break;
        case QUOTE: quote_tag(s, tag.ends); break;
        case PRE: if (!tag.ends) return code_block(s, &tag); line_break(s, 2); break;
        case CODE: s->in_code = !tag.ends; s->span_over |= tag.ends && s->span; break;
        case TABLE: row_tag(s, 2); break;
        case ROW: row_tag(s, 1); break;
        case CELL: cell_tag(s, tag.ends); break;
        case RAW: case SKIP: if (!tag.ends) return skip_element(s, after, tag.element);
    }
    return after;
}

/* Write a "$"; where it begins a displayed formula ("$$" to "$$", no tag between), note the formula's end. */
static const uint8_t *dollar(State *s, const uint8_t *at) {
    if (at < s->math_end || s->end - at < 2 || at[1] != '$') return put_text(s, at);
    const uint8_t *close = at + 2;
    while (s->end - close > 1 && *close != '<' && !(close[0] == '$' && close[1] == '$')) close++;
    if (s->end - close > 1 && *close == '$') {
        if (s->space && at[-1] == '\n') line_break(s, 1);
        s->math_end = close + 2;
        begin_text(s);
        put(s, *at++);
    }
    return put_text(s, at);
}

static void scan_html(State *s, const uint8_t *at) {
    while (at < s->end && room(s, s->end - at + MARGIN)) {
        bool no_break = *at == 0xC2 && s->end - at > 1 && at[1] == 0xA0;
        if (*at == '<') {
            at = markup(s, at);
        } else if (*at == '&') {
            at = reference(s, at);
        } else if (*at == '$') {
            at = dollar(s, at);
        } else if (*at == '\n' && at <= s->math_end) {
            line_break(s, 1); /* the lines of a displayed formula are its author's */
            at++;
        } else if (is_space(*at) || no_break) {
            s->space = true;
            at += no_break ? 2 : 1;
        } else if (*at == 0) {
            at++;
        } else {
            at = put_text(s, at);
        }
    }
    if (s->span) close_span(s);
}

/* Say whether any element of HTML, or a comment, is there. */
static bool has_tag(State *s, const uint8_t *at) {
    Tag tag;
    for (; (at = find(at, s->end, '<')); at++) {
        if (skip_comment(s, at)) return true;
        if (read_tag(at, s->end, &tag) && tag.element->kind != UNKNOWN && find_close(s, &tag)) return true;
    }
    return false;
}

/* Copy text that holds no tag, resolving only references that end in a semicolon. */
static int scan_plain(const uint8_t *at, const uint8_t *end, Buffer *out) {
    if (!find(at, end, '&')) return UNCHANGED;
    const uint8_t *first = at;
    size_t start = out->size, size;
    uint8_t text[8];
    bool fits = buffer_room(out, end - at);
    for (const uint8_t *sign = at, *after; fits && (sign = find(sign, end, '&')); sign = after) {
        after = resolve(sign, end, text, &size);
        if (after[-1] == ';') {
            fits = buffer_add(out, at, sign - at) && buffer_add(out, text, size);
            at = after;
        } else {
            after = sign + 1;
        }
    }
    if (fits && at == first) return UNCHANGED;
    if (fits && buffer_add(out, at, end - at)) return CHANGED;
    out->size = start;
    return NO_MEMORY;
}

int html_to_markdown(const uint8_t *text, size_t size, Buffer *out) {
    if (!size) return UNCHANGED;
    State s = {.end = text + size, .out = *out, .start = out->size, .gap = 1, .math_end = text};
    if (!has_tag(&s, text)) return scan_plain(text, s.end, out);
    s.lax = s.no_gt = false;
    scan_html(&s, text);
    *out = s.out;
    if (!s.no_memory) return CHANGED;
    out->size = s.start;
    return NO_MEMORY;
}
