/* What the compiled steps share: a text is bytes of valid UTF-8, and what a step writes goes into a buffer that grows.

   A step is a pure function of one text. It never fails but for want of memory, which ends the step with -1. */
#ifndef CURATE_TEXT_H
#define CURATE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t *at; /* the first byte */
    size_t size; /* bytes written */
    size_t room; /* bytes that can be written before it grows */
} Buffer;

/* Make room for `more` bytes behind what is written; false where there is no memory. */
static inline bool buffer_room(Buffer *buffer, size_t more) {
    if (buffer->room - buffer->size >= more) return true;
    size_t room = buffer->room * 2 > buffer->size + more ? buffer->room * 2 : buffer->size + more + 4096;
    uint8_t *at = realloc(buffer->at, room);
    if (!at) return false;
    buffer->at = at;
    buffer->room = room;
    return true;
}

/* Append bytes. */
static inline bool buffer_add(Buffer *buffer, const uint8_t *bytes, size_t size) {
    if (!buffer_room(buffer, size)) return false;
    if (size) memcpy(buffer->at + buffer->size, bytes, size); /* a buffer that is not begun has no place */
    buffer->size += size;
    return true;
}

/* What an edit says of a text: nothing changes, or its new text stands behind what the buffer held. */
enum { UNCHANGED = 0, CHANGED = 1, NO_MEMORY = -1 };

/* The steps. Options are for all texts the same. */
int html_to_markdown(const uint8_t *text, size_t size, Buffer *out);                                       /* html.c */
int strip_links(const uint8_t *text, size_t size, Buffer *out);                                            /* links.c */
int leave_out(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out); /* voice.c */
int spoken(const uint8_t *text, size_t size, const uint8_t *options, size_t options_size, Buffer *out);
bool is_even(const uint8_t *text, size_t size); /* words.c */
int fold(const uint8_t *text, size_t size, Buffer *out);
uint64_t count_words(const uint8_t *text, size_t size);
int list_words(const uint8_t *text, size_t size, Buffer *out);
int list_runs(const uint8_t *text, size_t size, const uint8_t *slots, size_t count, Buffer *out);
int compare_words(const uint8_t *text, size_t size, Buffer *out);
int repeats(const uint8_t *text, size_t size, Buffer *out); /* repeats.c */

#endif
