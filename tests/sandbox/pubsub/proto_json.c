/* SPDX-License-Identifier: Apache-2.0 */
/* proto_json.c - the encoding is https://protobuf.dev/programming-guides/encoding/. */
#include "pubsub/proto_json.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/day.h"
#include "base/mem.h"

#define NAME         64
#define NANOS        1000000000
#define SIZE_LIMIT   (24 * 1024 * 1024)
#define VARINT       0U
#define LENGTH_FIRST 2U

struct writer {
    char *problem; /* "" so far */
    char path[200];
};

/* message_retention_duration -> messageRetentionDuration */
static void camel_name(const char *name, char out_name[NAME])
{
    size_t size = 0;
    for (; *name && size + 1 < NAME; name++) {
        if (*name == '_' && name[1])
            name++, out_name[size++] = (char)toupper((unsigned char)*name);
        else
            out_name[size++] = *name;
    }
    out_name[size] = '\0';
}

static const ProtobufCFieldDescriptor *find_field(const ProtobufCMessageDescriptor *type, const char *name)
{
    char camel[NAME];
    for (unsigned i = 0; i < type->n_fields; i++) {
        camel_name(type->fields[i].name, camel);
        if (strcmp(camel, name) == 0 || strcmp(type->fields[i].name, name) == 0) return &type->fields[i];
    }
    return NULL;
}

static bool is_type(const ProtobufCMessageDescriptor *type, const char *name)
{
    return strcmp(type->name, name) == 0;
}

/* A map is a repeated message of key and value, named by its field. */
static bool is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->label != PROTOBUF_C_LABEL_REPEATED) return false;
    const char *name = ((const ProtobufCMessageDescriptor *)field->descriptor)->name;
    size_t size = strlen(name);
    return size > 5 && strcmp(name + size - 5, "Entry") == 0;
}

/* ---- JSON to bytes ---- */

static void add_varint(struct buf *out, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        buf_byte(out, (char)(value | 0x80));
    buf_byte(out, (char)value);
}

static void add_number(struct buf *out, uint32_t id, int64_t value)
{
    if (value == 0) return;
    add_varint(out, (uint64_t)id << 3 | VARINT);
    add_varint(out, (uint64_t)value);
}

static void add_bytes(struct buf *out, uint32_t id, const void *bytes, size_t size)
{
    add_varint(out, (uint64_t)id << 3 | LENGTH_FIRST);
    add_varint(out, size);
    buf_add(out, bytes, size);
}

static bool bad_value(struct writer *writer, const char *name, const char *type, const json_t *value)
{
    struct buf text = buf_limited(200);
    (void)json_write(&text, value); /* cut if it is long */
    (void)snprintf(writer->problem, PROTO_JSON_PROBLEM, "Invalid value at '%s%s' (%s), %.100s", writer->path,
                   name, type, buf_string(&text));
    buf_done(&text);
    return false;
}

/* Both alphabets, with padding or without. */
static bool add_base64(struct buf *out, uint32_t id, const char *text, size_t size)
{
    AUTO(mem_free) char *standard = mem_zero(size + 8, 1);
    for (size_t i = 0; i < size; i++)
        standard[i] = (char)(text[i] == '-' ? '+' : text[i] == '_' ? '/' : text[i]);
    while (size > 0 && standard[size - 1] == '=')
        standard[--size] = '\0';
    size_t pads = (4 - size % 4) % 4;
    if (pads == 3) return false;
    memset(standard + size, '=', pads);
    AUTO(mem_free) uint8_t *bytes = mem_zero(size + 8, 1);
    int got = EVP_DecodeBlock(bytes, (const unsigned char *)standard, (int)(size + pads));
    if (got < 0) return false;
    if (got > 0) add_bytes(out, id, bytes, (size_t)got - pads);
    return true;
}

/* "1.5s" */
static bool add_duration(struct buf *out, const char *text)
{
    char *end;
    if (!*text || !strchr("-0123456789", *text)) return false;
    double seconds = strtod(text, &end);
    if (strcmp(end, "s") != 0 || fabs(seconds) > 315576000000.0) return false;
    add_number(out, 1, (int64_t)seconds);
    add_number(out, 2, llround((seconds - trunc(seconds)) * NANOS));
    return true;
}

static bool add_timestamp(struct buf *out, const char *text)
{
    int64_t us;
    if (!instant_parse(text, strlen(text), &us)) return false;
    int64_t part = us % 1000000;
    if (part < 0) part += 1000000;
    add_number(out, 1, (us - part) / 1000000);
    add_number(out, 2, part * 1000);
    return true;
}

static bool write_message(struct writer *writer, const ProtobufCMessageDescriptor *type, const json_t *value,
                          struct buf *out);

static bool write_number(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
                         struct buf *out)
{
    const char *text = json_string_value(value);
    char *end = NULL;
    int64_t number = text ? strtoll(text, &end, 10) : json_integer_value(value);
    bool is_good = text ? *text && !*end : json_is_integer(value);
    bool is_small = field->type == PROTOBUF_C_TYPE_INT32;
    if (!is_good || (is_small && (number < INT32_MIN || number > INT32_MAX)))
        return bad_value(writer, field->name, is_small ? "TYPE_INT32" : "TYPE_INT64", value);
    add_number(out, field->id, number);
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the types are nested */
static bool write_submessage(struct writer *writer, const ProtobufCFieldDescriptor *field,
                             const json_t *value, struct buf *out)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    struct buf inner = buf_limited(SIZE_LIMIT);
    bool is_duration = is_type(type, "google.protobuf.Duration");
    bool is_timestamp = is_type(type, "google.protobuf.Timestamp");
    bool is_good;
    if (is_duration || is_timestamp) {
        const char *text = json_string_value(value);
        is_good = text && (is_duration ? add_duration(&inner, text) : add_timestamp(&inner, text));
        if (!is_good)
            (void)bad_value(writer, field->name,
                            is_duration ? "type.googleapis.com/google.protobuf.Duration"
                                        : "type.googleapis.com/google.protobuf.Timestamp",
                            value);
    } else {
        size_t size = strlen(writer->path);
        (void)snprintf(writer->path + size, sizeof writer->path - size, "%s.", field->name);
        is_good = write_message(writer, type, value, &inner);
        writer->path[size] = '\0';
    }
    if (is_good) add_bytes(out, field->id, buf_string(&inner), inner.size);
    buf_done(&inner);
    return is_good;
}

/* NOLINTNEXTLINE(misc-no-recursion): see write_submessage */
static bool write_value(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
                        struct buf *out)
{
    const char *text = json_string_value(value);
    size_t size = json_string_length(value);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) return write_submessage(writer, field, value, out);
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        if (!text) return bad_value(writer, field->name, "TYPE_STRING", value);
        add_bytes(out, field->id, text, size);
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return (text && add_base64(out, field->id, text, size)) ||
               bad_value(writer, field->name, "TYPE_BYTES", value);
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        if (!json_is_boolean(value)) return bad_value(writer, field->name, "TYPE_BOOL", value);
        add_number(out, field->id, json_is_true(value));
        return true;
    }
    return write_number(writer, field, value, out);
}

static bool write_map(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
                      struct buf *out)
{
    const char *key;
    json_t *member;
    if (!json_is_object(value)) return bad_value(writer, field->name, "Map", value);
    json_object_foreach (json_iterable(value), key, member) {
        struct buf entry = buf_limited(SIZE_LIMIT);
        const char *text = json_string_value(member);
        add_bytes(&entry, 1, key, strlen(key));
        if (text) add_bytes(&entry, 2, text, json_string_length(member));
        add_bytes(out, field->id, buf_string(&entry), entry.size);
        buf_done(&entry);
        if (!text) return bad_value(writer, field->name, "TYPE_STRING", member);
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): see write_submessage */
static bool write_field(struct writer *writer, const ProtobufCFieldDescriptor *field, const json_t *value,
                        struct buf *out)
{
    size_t index;
    json_t *element;
    if (json_is_null(value)) return true;
    if (is_map(field)) return write_map(writer, field, value, out);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) return write_value(writer, field, value, out);
    if (!json_is_array(value)) return bad_value(writer, field->name, "list", value);
    json_array_foreach (json_iterable(value), index, element) {
        if (!write_value(writer, field, element, out)) return false;
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): see write_submessage */
static bool write_message(struct writer *writer, const ProtobufCMessageDescriptor *type, const json_t *value,
                          struct buf *out)
{
    const char *key;
    json_t *member;
    if (!json_is_object(value)) return bad_value(writer, "", type->name, value);
    json_object_foreach (json_iterable(value), key, member) {
        const ProtobufCFieldDescriptor *field = find_field(type, key);
        size_t size = strlen(writer->path);
        if (!field) {
            (void)snprintf(
                writer->problem, PROTO_JSON_PROBLEM,
                "Invalid JSON payload received. Unknown name \"%.100s\"%s%.*s%s: Cannot find field.", key,
                size ? " at '" : "", size ? (int)size - 1 : 0, writer->path, size ? "'" : "");
            return false;
        }
        if (!write_field(writer, field, member, out)) return false;
    }
    return true;
}

bool proto_from_json(const ProtobufCMessageDescriptor *type, const json_t *value, struct buf *out,
                     char out_problem[PROTO_JSON_PROBLEM])
{
    struct writer writer = {.problem = out_problem};
    out_problem[0] = '\0';
    return write_message(&writer, type, value, out);
}

/* ---- bytes to JSON ---- */

struct bytes {
    const uint8_t *at, *end;
};

static uint64_t take_varint(struct bytes *bytes)
{
    uint64_t value = 0;
    for (unsigned shift = 0; bytes->at < bytes->end && shift < 64; shift += 7) {
        uint8_t byte = *bytes->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) break;
    }
    return value;
}

static struct bytes take_bytes(struct bytes *bytes)
{
    uint64_t size = take_varint(bytes), left = (uint64_t)(bytes->end - bytes->at);
    struct bytes taken = {bytes->at, bytes->at + (size < left ? size : left)};
    bytes->at = taken.end;
    return taken;
}

/* Seconds and nanoseconds, as both have them. */
static json_t *read_time(struct bytes bytes, bool is_duration)
{
    int64_t seconds = 0, nanos = 0;
    char text[64];
    while (bytes.at < bytes.end) {
        bool is_first = take_varint(&bytes) >> 3 == 1;
        *(is_first ? &seconds : &nanos) = (int64_t)take_varint(&bytes);
    }
    if (!is_duration)
        instant_format(seconds * 1000000 + nanos / 1000, text);
    else if (nanos)
        (void)snprintf(text, sizeof text, "%" PRId64 ".%09" PRId64 "s", seconds, nanos);
    else
        (void)snprintf(text, sizeof text, "%" PRId64 "s", seconds);
    return json_string(text);
}

static json_t *read_base64(struct bytes bytes)
{
    size_t size = (size_t)(bytes.end - bytes.at);
    AUTO(mem_free) char *text = mem_zero(size / 3 * 4 + 8, 1);
    (void)EVP_EncodeBlock((unsigned char *)text, bytes.at, (int)size);
    return json_string(text);
}

static json_t *read_message(const ProtobufCMessageDescriptor *type, struct bytes bytes);

/* NOLINTNEXTLINE(misc-no-recursion): see write_submessage */
static json_t *read_value(const ProtobufCFieldDescriptor *field, uint64_t number, struct bytes bytes)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    if (field->type == PROTOBUF_C_TYPE_BOOL) return json_boolean(number);
    if (field->type == PROTOBUF_C_TYPE_BYTES) return read_base64(bytes);
    if (field->type == PROTOBUF_C_TYPE_STRING)
        return json_stringn((const char *)bytes.at, (size_t)(bytes.end - bytes.at));
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) return json_integer((json_int_t)number);
    if (is_type(type, "google.protobuf.Duration")) return read_time(bytes, true);
    if (is_type(type, "google.protobuf.Timestamp")) return read_time(bytes, false);
    return read_message(type, bytes);
}

static void add_entry(json_t *object, const char *name, json_t *entry)
{
    json_t *map = json_object_get(object, name);
    const char *key = json_text_at(entry, "key"), *value = json_text_at(entry, "value");
    if (!map) json_object_set_new(object, name, map = json_object());
    json_object_set_new(map, key ? key : "", json_string(value ? value : ""));
    json_decref(entry);
}

/* NOLINTNEXTLINE(misc-no-recursion): see write_submessage */
static json_t *read_message(const ProtobufCMessageDescriptor *type, struct bytes bytes)
{
    json_t *object = json_object();
    char name[NAME];
    while (bytes.at < bytes.end) {
        uint64_t tag = take_varint(&bytes), number = 0;
        struct bytes inner = {bytes.at, bytes.at};
        if ((tag & 7) == LENGTH_FIRST)
            inner = take_bytes(&bytes);
        else
            number = take_varint(&bytes);
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if (!field) continue;
        camel_name(field->name, name);
        json_t *value = read_value(field, number, inner);
        if (is_map(field)) {
            add_entry(object, name, value);
        } else if (field->label == PROTOBUF_C_LABEL_REPEATED) {
            if (!json_object_get(object, name)) json_object_set_new(object, name, json_array());
            json_array_append_new(json_object_get(object, name), value);
        } else {
            json_object_set_new(object, name, value);
        }
    }
    return object;
}

json_t *proto_to_json(const ProtobufCMessageDescriptor *type, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    return read_message(type, (struct bytes){at, at + size});
}
