/* The steps as polars expressions: polars' C interface for plugins (major 0, minor 1), over the Arrow C data interface.

   A text that an edit leaves alone is not copied: its view goes on pointing into the input, which lives as long as the
   output. Nulls stay null, and no step is asked of them. */
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

enum { WITHIN = 12, BLOCK = 1 << 24 /* a buffer with as many bytes is full: an offset has to fit in 31 bits */ };

typedef struct {
    const char *name;
    const char *format; /* Arrow's name for the type of what it gives */
    int (*edit)(const uint8_t *, size_t, Buffer *);
    bool (*test)(const uint8_t *, size_t);
    uint32_t (*count)(const uint8_t *, size_t);
} Step;

static OF_THREAD char message[256];

SHOWN uint32_t _polars_plugin_get_version(void) { return 1; }
SHOWN const char *_polars_plugin_get_last_error_message(void) { return message; }

/* What the library is built from, so that the loader can tell one that is out of date. */
SHOWN const char *curate_sources(void) { return CURATE_SOURCES; }

/* ---- What goes out ---------------------------------------------------------------------------------------------- */

static void release_schema(ArrowSchema *schema) {
    free(schema->private_data);
    schema->release = NULL;
}

static bool make_schema(ArrowSchema *schema, const char *format, const char *name) {
    size_t size = strlen(name) + 1;
    char *copy = malloc(size);
    if (!copy) return false;
    memcpy(copy, name, size);
    *schema = (ArrowSchema){.format = format, .name = copy, .flags = NULLABLE};
    schema->release = release_schema;
    schema->private_data = copy;
    return true;
}

/* All that an array of ours lives on. */
typedef struct {
    ArrowArray input;     /* the views of an edit point into it */
    Buffer valid, values; /* bits; bits, numbers or views */
    Buffer texts;         /* being written */
    Buffer blocks;        /* full ones, each a Buffer */
    Buffer sizes;         /* of all buffers that views point into */
    const void **buffers;
} Chunk;

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
    return !strcmp(format, "vu") ? 'v' : !strcmp(format, "u") || !strcmp(format, "U") || !strcmp(format, "n") ? *format : 0;
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
    if (chunk->texts.size < BLOCK) return true;
    if (!buffer_add(&chunk->blocks, (uint8_t *)&chunk->texts, sizeof(Buffer))) return false;
    chunk->texts = (Buffer){0};
    return true;
}

static bool edit_row(Chunk *chunk, const Step *step, char kind, int64_t row, bool *changes) {
    size_t size, start = chunk->texts.size;
    const uint8_t *text = text_at(&chunk->input, kind, row, &size);
    View *view = (View *)(void *)chunk->values.at + row;
    int result = step->edit(text, size, &chunk->texts);
    if (result == CHANGED) *changes = true;
    if (result == UNCHANGED) {
        chunk->texts.size = start;
        if (kind == 'v') return *view = *view_at(&chunk->input, row), true;
        if (size && !buffer_add(&chunk->texts, text, size)) return false;
    }
    return result != NO_MEMORY && view_texts(chunk, kind, start, view);
}

/* Ask the step of each row; `values` holds zeros, for Booleans a bit a row. */
static bool fill_rows(Chunk *chunk, const Step *step, char kind, bool *changes) {
    uint8_t *values = chunk->values.at;
    for (int64_t row = 0; row < chunk->input.length; row++) {
        if (is_null(&chunk->input, kind, row)) continue;
        chunk->valid.at[row / 8] |= (uint8_t)(1 << row % 8);
        if (step->edit) {
            if (!edit_row(chunk, step, kind, row, changes)) return false;
            continue;
        }
        size_t size;
        const uint8_t *text = text_at(&chunk->input, kind, row, &size);
        if (step->count)
            ((uint32_t *)(void *)values)[row] = step->count(text, size);
        else if (step->test(text, size))
            values[row / 8] |= (uint8_t)(1 << row % 8);
    }
    return true;
}

static bool zeros(Buffer *buffer, size_t size) {
    buffer->at = calloc(size + 1, 1); /* polars wants no NULL, and no bytes make one */
    buffer->size = buffer->room = size;
    return buffer->at;
}

/* List the buffers of the output: validity, values, and for texts those of the input, our own, and their sizes. */
static bool list_buffers(Chunk *chunk, const Step *step, char kind, int64_t *count) {
    if (chunk->texts.size && !buffer_add(&chunk->blocks, (uint8_t *)&chunk->texts, sizeof(Buffer))) return false;
    if (chunk->texts.size) chunk->texts = (Buffer){0};
    Buffer *blocks = (Buffer *)(void *)chunk->blocks.at;
    size_t shared = step->edit ? (size_t)shared_buffers(chunk, kind) : 0, all = shared + count_blocks(chunk);
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
    buffers[0] = chunk->valid.at;
    buffers[1] = chunk->values.at;
    buffers[2 + all] = chunk->sizes.at;
    *count = step->edit ? (int64_t)all + 3 : 2;
    return true;
}

static int64_t count_nulls(const Chunk *chunk, char kind) {
    int64_t nulls = 0;
    for (int64_t row = 0; row < chunk->input.length; row++) nulls += is_null(&chunk->input, kind, row);
    return nulls;
}

/* Take an array and make of it what the step says of its texts; false where there is no memory. */
static bool take_array(const Step *step, char kind, ArrowArray *input, ArrowArray *output) {
    Chunk *chunk = calloc(1, sizeof *chunk);
    if (!chunk) return false;
    chunk->input = *input;
    input->release = NULL;
    size_t rows = (size_t)chunk->input.length, bits = (rows + 7) / 8;
    bool changes = false;
    int64_t buffers;
    if (!zeros(&chunk->valid, bits) ||
        !zeros(&chunk->values, step->edit ? rows * sizeof(View) : step->count ? rows * sizeof(uint32_t) : bits) ||
        !fill_rows(chunk, step, kind, &changes) || !list_buffers(chunk, step, kind, &buffers)) {
        free_chunk(chunk);
        return false;
    }
    if (step->edit && kind == 'v' && !changes) { /* the column itself */
        *output = chunk->input;
        chunk->input.release = NULL;
        free_chunk(chunk);
        return true;
    }
    *output = (ArrowArray){.length = chunk->input.length, .n_buffers = buffers, .buffers = chunk->buffers};
    output->null_count = count_nulls(chunk, kind);
    output->release = release_array;
    output->private_data = chunk;
    if (!step->edit && chunk->input.release) chunk->input.release(&chunk->input); /* nothing points into it */
    return true;
}

/* ---- A column --------------------------------------------------------------------------------------------------- */

/* Say in words what is wrong with the arguments; give the kind of texts otherwise. */
static char check(const Step *step, const ArrowSchema *field, size_t columns) {
    char kind = columns == 1 ? kind_of(field) : 0;
    if (columns != 1)
        snprintf(message, sizeof message, "%s takes one column, not %zu", step->name, columns);
    else if (!kind)
        snprintf(message, sizeof message, "%s takes text, but the column '%.99s' holds another type (Arrow's '%.20s')",
                 step->name, field->name ? field->name : "", field->format);
    return kind;
}

static void show_field(const Step *step, const ArrowSchema *fields, size_t columns, ArrowSchema *output) {
    if (check(step, fields, columns) && !make_schema(output, step->format, fields->name ? fields->name : ""))
        snprintf(message, sizeof message, "there is no memory for %s", step->name);
}

/* Drop a column that was handed over: the arrays that nobody took, then the rest. */
static void drop(Series *series) {
    for (size_t i = 0; i < series->length; i++)
        if (series->arrays[i] && series->arrays[i]->release) series->arrays[i]->release(series->arrays[i]);
    if (series->release) series->release(series);
}

static bool take_series(const Step *step, char kind, Series *input, Series *output) {
    *output = (Series){.length = input->length, .release = release_series};
    output->field = calloc(1, sizeof *output->field);
    output->arrays = calloc(input->length + 1, sizeof *output->arrays);
    output->private_data = output->field;
    if (!output->field || !output->arrays) return false;
    if (!make_schema(output->field, step->format, input->field->name ? input->field->name : "")) return false;
    for (size_t i = 0; i < input->length; i++) {
        output->arrays[i] = calloc(1, sizeof **output->arrays);
        if (!output->arrays[i] || !take_array(step, kind, input->arrays[i], output->arrays[i])) return false;
    }
    return true;
}

static void call(const Step *step, Series *inputs, size_t columns, Series *output) {
    char kind = check(step, columns ? inputs->field : NULL, columns);
    if (kind && !take_series(step, kind, inputs, output)) {
        snprintf(message, sizeof message, "there is no memory for %s", step->name);
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
        call(&step_##NAME, inputs, columns, output);                                                                   \
    }                                                                                                                  \
    SHOWN void _polars_plugin_field_##NAME(const ArrowSchema *fields, size_t columns, ArrowSchema *output,             \
                                           const uint8_t *options, size_t size) {                                      \
        (void)options, (void)size;                                                                                     \
        show_field(&step_##NAME, fields, columns, output);                                                             \
    }
#define EDIT(NAME) STEP(NAME, .format = "vu", .edit = NAME)
#define TEST(NAME) STEP(NAME, .format = "b", .test = NAME)
#define COUNT(NAME) STEP(NAME, .format = "I", .count = NAME)

/* ---- The steps -------------------------------------------------------------------------------------------------- */

#if __has_include("html.c")
EDIT(html_to_markdown)
#endif
#if __has_include("links.c")
EDIT(strip_links)
#endif
