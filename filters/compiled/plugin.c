/* The steps as polars expressions: polars' C interface for plugins (major 0, minor 1), over the Arrow C data interface.

   A text that an edit leaves alone is not copied: its view goes on pointing into the input, which lives as long as the
   output. Nulls stay null, and no step is asked of them. What else a step takes comes as one text for all rows, a
   second column, since polars hands over other arguments as a pickle of Python's. The table of steps is at the end. */
#ifdef __linux__
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#endif
#include <stdio.h>

#include "text.h"

#ifdef _MSC_VER
#define SHOWN __declspec(dllexport)
#define OF_THREAD __declspec(thread)
#else
#define SHOWN __attribute__((visibility("default")))
#define OF_THREAD __thread
#endif

/* https://arrow.apache.org/docs/format/CDataInterface.html */
typedef struct ArrowSchema {
    const char *format, *name, *metadata;
    int64_t flags, n_children;
    struct ArrowSchema **children, *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
} ArrowSchema;

typedef struct ArrowArray {
    int64_t length, null_count, offset, n_buffers, n_children;
    const void **buffers;
    struct ArrowArray **children, *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
} ArrowArray;

enum { NULLABLE = 2 };

/* A column as polars hands it over: whoever takes it takes the arrays out, then releases the rest. */
typedef struct Series {
    ArrowSchema *field;
    ArrowArray **arrays;
    size_t length;
    void (*release)(struct Series *);
    void *private_data; /* NULL says that the call failed */
} Series;

/* A text of a column of views: up to 12 bytes stand in the view itself, behind its size. */
typedef struct {
    uint32_t size;
    uint8_t start[4];
    uint32_t buffer, offset;
} View;

/* What fits in a view; when a buffer of texts is full, the first and others: an offset has to fit in 31 bits. */
enum { WITHIN = 12, FIRST_BLOCK = 1 << 20, BLOCK = 1 << 24, PAGE = 1 << 21 };

/* A step has one of these functions. What one writes is a text, or the 64-bit numbers of a list. */
typedef struct {
    const char *name;
    const char *format; /* Arrow's name for the type of what it gives */
    bool has_options;
    int (*write)(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out);
    bool (*test)(const uint8_t *text, size_t size);
    uint64_t (*count)(const uint8_t *text, size_t size);
} Step;

/* A step, and the text that says how. */
typedef struct {
    const Step *step;
    const uint8_t *options;
    size_t options_size;
} Call;

static OF_THREAD char message[256];

SHOWN uint32_t _polars_plugin_get_version(void) { return 1; }
SHOWN const char *_polars_plugin_get_last_error_message(void) { return message; }

/* What the library is built from, so that the loader can tell one that is out of date. */
SHOWN const char *curate_sources(void) { return CURATE_SOURCES; }

/* ---- What goes out ---------------------------------------------------------------------------------------------- */

/* A type, of a list with that of its values, and the name of the column. */
typedef struct {
    ArrowSchema values, *children[1];
    char name[];
} Field;

static void release_values(ArrowSchema *values) { values->release = NULL; }

static void release_schema(ArrowSchema *schema) {
    free(schema->private_data);
    schema->release = NULL;
}

static bool make_schema(ArrowSchema *schema, const char *format, const char *name) {
    size_t size = name ? strlen(name) : 0;
    Field *field = calloc(1, sizeof *field + size + 1);
    if (!field) return false;
    if (size) memcpy(field->name, name, size);
    field->values = (ArrowSchema){.format = "L", .name = "item", .flags = NULLABLE, .release = release_values};
    field->children[0] = &field->values;
    *schema = (ArrowSchema){.format = format, .name = field->name, .flags = NULLABLE};
    schema->n_children = *format == '+';
    schema->children = field->children;
    schema->release = release_schema;
    schema->private_data = field;
    return true;
}

/* All that an array of ours lives on. */
typedef struct {
    ArrowArray input;     /* the views of an edit point into it */
    Buffer valid, values; /* bits; bits, numbers, views, or where lists end */
    Buffer texts;         /* being written, or the numbers in all lists */
    Buffer blocks;        /* full ones, each a Buffer */
    Buffer sizes;         /* of all buffers that views point into */
    const void **buffers;
    ArrowArray numbers, *children[1]; /* of a list */
    const void *number_buffers[2];
} Chunk;

static bool is_edit(const Step *step) { return step->format[0] == 'v'; }
static bool is_list(const Step *step) { return step->format[0] == '+'; }

static size_t count_blocks(const Chunk *chunk) { return chunk->blocks.size / sizeof(Buffer); }

static void free_chunk(Chunk *chunk) {
    Buffer *blocks = (Buffer *)(void *)chunk->blocks.at;
    for (size_t i = 0; i < count_blocks(chunk); i++) free(blocks[i].at);
    free(chunk->valid.at);
    free(chunk->values.at);
    free(chunk->texts.at);
    free(chunk->blocks.at);
    free(chunk->sizes.at);
    free(chunk->buffers);
    if (chunk->input.release) chunk->input.release(&chunk->input);
    free(chunk);
}

static void release_array(ArrowArray *array) {
    free_chunk(array->private_data);
    array->release = NULL;
}

static void release_numbers(ArrowArray *numbers) { numbers->release = NULL; }

static void release_series(Series *series) {
    for (size_t i = 0; i < series->length; i++) free(series->arrays[i]); /* polars took out what they hold */
    free(series->arrays);
    if (series->field->release) series->field->release(series->field);
    free(series->field);
    series->release = NULL;
}

/* ---- What comes in ---------------------------------------------------------------------------------------------- */

/* The kind of a column of texts: views, 32-bit offsets, 64-bit offsets, nothing but nulls; 0 for any other type. */
static char kind_of(const ArrowSchema *field) {
    if (field->dictionary) return 0;
    const char *format = field->format;
    if (!strcmp(format, "vu")) return 'v';
    return !strcmp(format, "u") || !strcmp(format, "U") || !strcmp(format, "n") ? *format : 0;
}

static bool is_null(const ArrowArray *array, char kind, int64_t row) {
    if (kind == 'n') return true;
    const uint8_t *valid = array->null_count ? array->buffers[0] : NULL;
    int64_t bit = array->offset + row;
    return valid && !(valid[bit / 8] >> bit % 8 & 1);
}

static const View *view_at(const ArrowArray *array, int64_t row) {
    return (const View *)array->buffers[1] + array->offset + row;
}

static const uint8_t *text_at(const ArrowArray *array, char kind, int64_t row, size_t *size) {
    if (kind == 'v') {
        const View *view = view_at(array, row);
        *size = view->size;
        if (view->size <= WITHIN) return (const uint8_t *)view + sizeof view->size;
        return (const uint8_t *)array->buffers[2 + view->buffer] + view->offset;
    }
    int64_t at = array->offset + row;
    const int32_t *narrow = array->buffers[1];
    const int64_t *wide = array->buffers[1];
    int64_t from = kind == 'u' ? narrow[at] : wide[at], to = kind == 'u' ? narrow[at + 1] : wide[at + 1];
    *size = (size_t)(to - from);
    return (const uint8_t *)array->buffers[2] + from;
}

/* ---- A chunk of a column ---------------------------------------------------------------------------------------- */

static int64_t shared_buffers(const Chunk *chunk, char kind) {
    return kind == 'v' ? chunk->input.n_buffers - 3 : 0; /* but validity, views and sizes */
}

/* Begin a block. Texts of megabytes get large pages: small ones would take the kernel a quarter of the whole time. */
static void open_block(Chunk *chunk) {
    chunk->texts = (Buffer){0};
#ifdef __linux__
    void *at;
    if (posix_memalign(&at, PAGE, BLOCK + PAGE)) return;
    madvise(at, BLOCK + PAGE, MADV_HUGEPAGE);
    chunk->texts = (Buffer){.at = at, .room = BLOCK + PAGE};
#endif
}

/* Point a view to the texts from `start` on; short ones move into the view. */
static bool view_texts(Chunk *chunk, char kind, size_t start, View *view) {
    size_t size = chunk->texts.size - start;
    if (size > UINT32_MAX) return false;
    *view = (View){.size = (uint32_t)size};
    const uint8_t *text = chunk->texts.at + start;
    if (size <= WITHIN) {
        if (size) memcpy((uint8_t *)view + sizeof view->size, text, size);
        chunk->texts.size = start;
        return true;
    }
    memcpy(view->start, text, sizeof view->start);
    view->buffer = (uint32_t)((size_t)shared_buffers(chunk, kind) + count_blocks(chunk));
    view->offset = (uint32_t)start;
    if (chunk->texts.size < (count_blocks(chunk) ? BLOCK : FIRST_BLOCK)) return true;
    if (!buffer_add(&chunk->blocks, (uint8_t *)&chunk->texts, sizeof(Buffer))) return false;
    open_block(chunk);
    return true;
}

static bool edit_row(Chunk *chunk, const Call *call, char kind, int64_t row, bool *changes) {
    size_t size, start = chunk->texts.size;
    const uint8_t *text = text_at(&chunk->input, kind, row, &size);
    View *view = (View *)(void *)chunk->values.at + row;
    int result = call->step->write(text, size, call->options, call->options_size, &chunk->texts);
    if (result == CHANGED) *changes = true;
    if (result == UNCHANGED) {
        chunk->texts.size = start;
        if (kind == 'v') return *view = *view_at(&chunk->input, row), true;
        if (size && !buffer_add(&chunk->texts, text, size)) return false;
    }
    return result != NO_MEMORY && view_texts(chunk, kind, start, view);
}

static bool ask_row(Chunk *chunk, const Call *call, char kind, int64_t row) {
    const Step *step = call->step;
    size_t size;
    const uint8_t *text = text_at(&chunk->input, kind, row, &size);
    uint8_t *values = chunk->values.at;
    if (is_list(step)) return step->write(text, size, call->options, call->options_size, &chunk->texts) != NO_MEMORY;
    if (step->count)
        ((uint64_t *)(void *)values)[row] = step->count(text, size);
    else if (step->test(text, size))
        values[row / 8] |= (uint8_t)(1 << row % 8);
    return true;
}

/* Ask the step of each row that is not null; `valid` and `values` hold zeros. */
static bool fill_rows(Chunk *chunk, const Call *call, char kind, bool *changes) {
    const Step *step = call->step;
    for (int64_t row = 0; row < chunk->input.length; row++) {
        if (!is_null(&chunk->input, kind, row)) {
            chunk->valid.at[row / 8] |= (uint8_t)(1 << row % 8);
            if (is_edit(step) && !edit_row(chunk, call, kind, row, changes)) return false;
            if (!is_edit(step) && !ask_row(chunk, call, kind, row)) return false;
        }
        int64_t *ends = (int64_t *)(void *)chunk->values.at;
        if (is_list(step)) ends[row + 1] = (int64_t)(chunk->texts.size / sizeof(int64_t));
    }
    return true;
}

static bool zeros(Buffer *buffer, size_t size) {
    buffer->at = calloc(size + 1, 1); /* polars wants no NULL, and no bytes make one */
    buffer->size = buffer->room = size;
    return buffer->at;
}

/* List the buffers of texts: validity, views, those of the input, our own, and the sizes of both. */
static bool list_texts(Chunk *chunk, char kind, int64_t *count) {
    if (chunk->texts.size && !buffer_add(&chunk->blocks, (uint8_t *)&chunk->texts, sizeof(Buffer))) return false;
    if (chunk->texts.size) chunk->texts = (Buffer){0};
    Buffer *blocks = (Buffer *)(void *)chunk->blocks.at;
    size_t shared = (size_t)shared_buffers(chunk, kind), all = shared + count_blocks(chunk);
    const void **buffers = chunk->buffers = malloc((all + 3) * sizeof *buffers);
    if (!buffers || !zeros(&chunk->sizes, all * sizeof(int64_t))) return false;
    int64_t *sizes = (int64_t *)(void *)chunk->sizes.at;
    for (size_t i = 0; i < all; i++) {
        Buffer *block = i < shared ? NULL : &blocks[i - shared];
        uint8_t *smaller = block ? realloc(block->at, block->size) : NULL; /* what it grew too far goes back */
        if (smaller) block->at = smaller;
        buffers[2 + i] = block ? block->at : chunk->input.buffers[2 + i];
        sizes[i] = block ? (int64_t)block->size : ((const int64_t *)chunk->input.buffers[2 + shared])[i];
    }
    buffers[2 + all] = chunk->sizes.at;
    *count = (int64_t)all + 3;
    return true;
}

/* List the buffers of other types: validity and values; the numbers in lists are an array of their own. */
static bool list_values(Chunk *chunk, int64_t *count) {
    *count = 2;
    chunk->buffers = malloc(2 * sizeof *chunk->buffers);
    if (!chunk->buffers || !buffer_room(&chunk->texts, 1)) return false; /* polars wants no NULL */
    chunk->number_buffers[1] = chunk->texts.at;
    chunk->numbers = (ArrowArray){.length = (int64_t)(chunk->texts.size / sizeof(int64_t)), .n_buffers = 2};
    chunk->numbers.buffers = chunk->number_buffers;
    chunk->numbers.release = release_numbers;
    chunk->children[0] = &chunk->numbers;
    return true;
}

static int64_t count_nulls(const Chunk *chunk, char kind) {
    int64_t nulls = 0;
    for (int64_t row = 0; row < chunk->input.length; row++) nulls += is_null(&chunk->input, kind, row);
    return nulls;
}

static size_t size_values(const Step *step, size_t rows) {
    if (is_edit(step)) return rows * sizeof(View);
    if (is_list(step)) return (rows + 1) * sizeof(int64_t);
    return step->count ? rows * sizeof(uint64_t) : (rows + 7) / 8;
}

/* Take an array and make of it what the step says of its texts; false where there is no memory. */
static bool take_array(const Call *call, char kind, ArrowArray *input, ArrowArray *output) {
    const Step *step = call->step;
    Chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk) return false;
    chunk->input = *input;
    input->release = NULL;
    size_t rows = (size_t)chunk->input.length;
    bool changes = false;
    int64_t buffers;
    if (!zeros(&chunk->valid, (rows + 7) / 8) || !zeros(&chunk->values, size_values(step, rows)) ||
        !fill_rows(chunk, call, kind, &changes) ||
        !(is_edit(step) ? list_texts(chunk, kind, &buffers) : list_values(chunk, &buffers))) {
        free_chunk(chunk);
        return false;
    }
    if (is_edit(step) && kind == 'v' && !changes) { /* the column itself */
        *output = chunk->input;
        chunk->input.release = NULL;
        free_chunk(chunk);
        return true;
    }
    chunk->buffers[0] = chunk->valid.at;
    chunk->buffers[1] = chunk->values.at;
    *output = (ArrowArray){.length = chunk->input.length, .n_buffers = buffers, .buffers = chunk->buffers};
    output->null_count = count_nulls(chunk, kind);
    output->n_children = is_list(step);
    output->children = chunk->children;
    output->release = release_array;
    output->private_data = chunk;
    if (!is_edit(step)) chunk->input.release(&chunk->input); /* nothing points into it */
    return true;
}

/* ---- A column --------------------------------------------------------------------------------------------------- */

/* Give the kind of the texts, and 0, with the reason in words, where the columns are not what a step takes. */
static char check(const Step *step, const ArrowSchema *const *fields, size_t columns) {
    if (columns != (step->has_options ? 2 : 1)) {
        snprintf(message, sizeof message, "%s takes %s, not %zu columns", step->name,
                 step->has_options ? "a column and its options" : "one column", columns);
        return 0;
    }
    for (size_t i = 0; i < columns; i++) {
        const ArrowSchema *field = fields[i];
        if (kind_of(field)) continue;
        snprintf(message, sizeof message, "%s takes text, but the column '%.99s' holds another type (Arrow's '%.20s')",
                 step->name, field->name ? field->name : "", field->format);
        return 0;
    }
    return kind_of(fields[0]);
}

static void lack_memory(const Step *step) {
    snprintf(message, sizeof message, "there is no memory for %s", step->name);
}

static void show_field(const Step *step, const ArrowSchema *fields, size_t columns, ArrowSchema *output) {
    const ArrowSchema *both[2] = {fields, fields + 1};
    if (check(step, both, columns) && !make_schema(output, step->format, fields->name)) lack_memory(step);
}

/* Drop a column that was handed over: the arrays that nobody took, then the rest. */
static void drop(Series *series) {
    for (size_t i = 0; i < series->length; i++)
        if (series->arrays[i] && series->arrays[i]->release) series->arrays[i]->release(series->arrays[i]);
    if (series->release) series->release(series);
}

static bool take_series(const Call *call, char kind, Series *input, Series *output) {
    *output = (Series){.length = input->length, .release = release_series};
    output->field = calloc(1, sizeof *output->field);
    output->arrays = calloc(input->length + 1, sizeof *output->arrays);
    output->private_data = output->field;
    if (!output->field || !output->arrays) return false;
    if (!make_schema(output->field, call->step->format, input->field->name)) return false;
    for (size_t i = 0; i < input->length; i++) {
        output->arrays[i] = calloc(1, sizeof **output->arrays);
        if (!output->arrays[i] || !take_array(call, kind, input->arrays[i], output->arrays[i])) return false;
    }
    return true;
}

/* Read the text that says how: the first of its column, in which all are the same. */
static void read_options(const Series *column, Call *call) {
    char kind = kind_of(column->field);
    for (size_t i = 0; i < column->length && !call->options; i++)
        if (column->arrays[i]->length && !is_null(column->arrays[i], kind, 0))
            call->options = text_at(column->arrays[i], kind, 0, &call->options_size);
}

static void apply(const Step *step, Series *inputs, size_t columns, Series *output) {
    const ArrowSchema *fields[2] = {columns > 0 ? inputs[0].field : NULL, columns > 1 ? inputs[1].field : NULL};
    char kind = check(step, fields, columns);
    Call call = {.step = step};
    if (kind && columns == 2) read_options(&inputs[1], &call);
    if (kind && !take_series(&call, kind, inputs, output)) {
        lack_memory(step);
        if (output->field && output->arrays) {
            drop(output);
        } else {
            free(output->field);
            free(output->arrays);
        }
        *output = (Series){0};
    }
    for (size_t i = 0; i < columns; i++) drop(&inputs[i]);
}

#define STEP(NAME, ...)                                                                                                \
    static const Step step_##NAME = {.name = #NAME, __VA_ARGS__};                                                      \
    SHOWN void _polars_plugin_##NAME(Series *inputs, size_t columns, const uint8_t *options, size_t size,              \
                                     Series *output, const void *context) {                                            \
        (void)options, (void)size, (void)context;                                                                      \
        apply(&step_##NAME, inputs, columns, output);                                                                  \
    }                                                                                                                  \
    SHOWN void _polars_plugin_field_##NAME(const ArrowSchema *fields, size_t columns, ArrowSchema *output,             \
                                           const uint8_t *options, size_t size) {                                      \
        (void)options, (void)size;                                                                                     \
        show_field(&step_##NAME, fields, columns, output);                                                             \
    }
#define WITHOUT_OPTIONS(NAME)                                                                                          \
    static int NAME##_of(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out) { \
        (void)options, (void)options_size;                                                                             \
        return NAME(text, size, out);                                                                                  \
    }
#define EDIT(NAME) WITHOUT_OPTIONS(NAME) STEP(NAME, .format = "vu", .write = NAME##_of)
#define EDIT_BY(NAME) STEP(NAME, .format = "vu", .write = NAME, .has_options = true)
#define LIST(NAME) WITHOUT_OPTIONS(NAME) STEP(NAME, .format = "+L", .write = NAME##_of)
#define LIST_BY(NAME) STEP(NAME, .format = "+L", .write = NAME, .has_options = true)
#define TEST(NAME) STEP(NAME, .format = "b", .test = NAME)
#define COUNT(NAME) STEP(NAME, .format = "L", .count = NAME)

/* ---- The steps -------------------------------------------------------------------------------------------------- */

#ifdef CURATE_STEPS /* a test brings its own */
#include CURATE_STEPS
#else
EDIT(html_to_markdown)
EDIT(strip_links)
EDIT_BY(leave_out)
EDIT_BY(spoken)
TEST(is_even)
EDIT(fold)
COUNT(count_words)
LIST(list_words)
LIST_BY(list_runs)
LIST(compare_words)
LIST(repeats)
#endif
