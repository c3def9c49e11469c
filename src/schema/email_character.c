// email_character.c — characters that an address may not have, and how a reason names them.
#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"
#include "schema/email.h"

// Unicode's names of what is invisible; Python knows them all, and for others we say the number.
static const struct {
    uint32_t code_point;
    const char *name;
} names[] = {
    {0x20, "SPACE"},
    {0xA0, "NO-BREAK SPACE"},
    {0xAD, "SOFT HYPHEN"},
    {0x300, "COMBINING GRAVE ACCENT"},
    {0x301, "COMBINING ACUTE ACCENT"},
    {0x302, "COMBINING CIRCUMFLEX ACCENT"},
    {0x303, "COMBINING TILDE"},
    {0x308, "COMBINING DIAERESIS"},
    {0x338, "COMBINING LONG SOLIDUS OVERLAY"},
    {0x61C, "ARABIC LETTER MARK"},
    {0x1680, "OGHAM SPACE MARK"},
    {0x180E, "MONGOLIAN VOWEL SEPARATOR"},
    {0x2000, "EN QUAD"},
    {0x2001, "EM QUAD"},
    {0x2002, "EN SPACE"},
    {0x2003, "EM SPACE"},
    {0x2004, "THREE-PER-EM SPACE"},
    {0x2005, "FOUR-PER-EM SPACE"},
    {0x2006, "SIX-PER-EM SPACE"},
    {0x2007, "FIGURE SPACE"},
    {0x2008, "PUNCTUATION SPACE"},
    {0x2009, "THIN SPACE"},
    {0x200A, "HAIR SPACE"},
    {0x200B, "ZERO WIDTH SPACE"},
    {0x200C, "ZERO WIDTH NON-JOINER"},
    {0x200D, "ZERO WIDTH JOINER"},
    {0x200E, "LEFT-TO-RIGHT MARK"},
    {0x200F, "RIGHT-TO-LEFT MARK"},
    {0x2028, "LINE SEPARATOR"},
    {0x2029, "PARAGRAPH SEPARATOR"},
    {0x202A, "LEFT-TO-RIGHT EMBEDDING"},
    {0x202B, "RIGHT-TO-LEFT EMBEDDING"},
    {0x202C, "POP DIRECTIONAL FORMATTING"},
    {0x202D, "LEFT-TO-RIGHT OVERRIDE"},
    {0x202E, "RIGHT-TO-LEFT OVERRIDE"},
    {0x202F, "NARROW NO-BREAK SPACE"},
    {0x205F, "MEDIUM MATHEMATICAL SPACE"},
    {0x2060, "WORD JOINER"},
    {0x2066, "LEFT-TO-RIGHT ISOLATE"},
    {0x2067, "RIGHT-TO-LEFT ISOLATE"},
    {0x2068, "FIRST STRONG ISOLATE"},
    {0x2069, "POP DIRECTIONAL ISOLATE"},
    {0x3000, "IDEOGRAPHIC SPACE"},
    {0xFEFF, "ZERO WIDTH NO-BREAK SPACE"},
};

static const char *name_of(uint32_t code_point) {
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code_point == code_point)
            return names[i].name;
    return NULL;
}

// L, N, P, S, M, Z or C: the first letter of the category.
static char class_of(uint32_t code_point) {
    return utf8proc_category_string((utf8proc_int32_t)code_point)[0];
}

static str display(struct arena *arena, uint32_t code_point) {
    char bytes[4];
    int count = (int)utf8_put(bytes, code_point);
    if (code_point == '\\' || code_point == '\'')
        return arena_format(arena, "\"%c\"", (char)code_point);
    if (strchr("LNPS", class_of(code_point)))
        return arena_format(arena, "'%.*s'", count, bytes);
    const char *name = name_of(code_point);
    if (name)
        return arena_format(arena, "%s", name);
    return arena_format(arena, code_point < 0xFFFF ? "U+%04X" : "U+%08X", code_point);
}

// ---- a set of them, in the order of their display

struct character_set {
    str *displays;
    size_t count;
};

static int compare(str a, str b) {
    int order = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

// Shell's sort: qsort(3) may ask the heap.
static void sort(struct character_set *set) {
    for (size_t gap = set->count / 2; gap; gap /= 2)
        for (size_t i = gap; i < set->count; i++) {
            str moved = set->displays[i];
            size_t j = i;
            for (; j >= gap && compare(set->displays[j - gap], moved) > 0; j -= gap)
                set->displays[j] = set->displays[j - gap];
            set->displays[j] = moved;
        }
}

static size_t joined_bytes(const struct character_set *set) {
    size_t bytes = 0;
    for (size_t i = 0; i < set->count; i++)
        bytes += set->displays[i].len + 2;
    return bytes;
}

// "',', SPACE"; of neighbours that are the same, one.
static str joined(const struct character_set *set, bool has_repeats, struct arena *arena) {
    char *text = arena_raw(arena, joined_bytes(set)), *end = text;
    if (!text)
        return (str){0};
    for (size_t i = 0; i < set->count; i++) {
        if (i && !has_repeats && compare(set->displays[i], set->displays[i - 1]) == 0)
            continue;
        if (i)
            end = mempcpy(end, ", ", 2);
        memcpy(end, set->displays[i].ptr, set->displays[i].len);
        end += set->displays[i].len;
    }
    return (str){text, (size_t)(end - text)};
}

static int refuse_set(struct arena *arena, struct character_set *set, const char *lead, str *ret_reason) {
    sort(set);
    str list = joined(set, false, arena);
    return list.ptr ? email_refuse(arena, ret_reason, "%s: %.*s.", lead, (int)list.len, list.ptr) : -ENOMEM;
}

static int set_init(struct character_set *set, str text, struct arena *arena) {
    *set = (struct character_set){.displays = arena_raw(arena, text.len * sizeof(str))};
    return set->displays ? 0 : -ENOMEM;
}

static int set_add(struct character_set *set, uint32_t code_point, struct arena *arena) {
    str shown = display(arena, code_point);
    if (!shown.ptr)
        return -ENOMEM;
    set->displays[set->count++] = shown;
    return 0;
}

// ---- what is refused

static bool has_only(str text, bool (*is_allowed)(uint32_t)) {
    uint32_t code_point;
    while (utf8_next(&text, &code_point))
        if (!is_allowed(code_point))
            return false;
    return true;
}

int email_refuse_rest(struct arena *arena, str text, const char *lead, str *ret_reason) {
    struct character_set set;
    uint32_t code_point;
    if (set_init(&set, text, arena) != 0)
        return -ENOMEM;
    while (utf8_next(&text, &code_point))
        if (set_add(&set, code_point, arena) != 0)
            return -ENOMEM;
    str list = joined(&set, true, arena);
    return list.ptr ? email_refuse(arena, ret_reason, "%s: %.*s", lead, (int)list.len, list.ptr) : -ENOMEM;
}

int email_refuse_characters(struct arena *arena, str text, bool (*is_allowed)(uint32_t), const char *lead, str *ret_reason) {
    struct character_set set;
    uint32_t code_point;
    if (has_only(text, is_allowed))
        return 0;
    if (set_init(&set, text, arena) != 0)
        return -ENOMEM;
    while (utf8_next(&text, &code_point))
        if (!is_allowed(code_point) && set_add(&set, code_point, arena) != 0)
            return -ENOMEM;
    return refuse_set(arena, &set, lead, ret_reason);
}

static bool is_unsafe(uint32_t code_point, bool is_first, bool may_have_blanks) {
    switch (class_of(code_point)) {
    case 'M': // would change the character before it, which is the @-sign or no part of the address
        return is_first;
    case 'Z':
        return !may_have_blanks || utf8proc_category((utf8proc_int32_t)code_point) != UTF8PROC_CATEGORY_ZS;
    case 'C':
        return true;
    default:
        return false;
    }
}

// Listed by code point here, not by display.
static int refuse_in_order(struct arena *arena, uint32_t *found, size_t count, str *ret_reason) {
    str list = S("");
    for (uint32_t least, last = 0; count; last = least) {
        least = UINT32_MAX;
        for (size_t i = 0; i < count; i++)
            if (found[i] < least && (found[i] > last || !list.len))
                least = found[i];
        if (least == UINT32_MAX)
            break;
        str shown = display(arena, least);
        list = arena_format(arena, "%.*s%s%.*s", (int)list.len, list.ptr, list.len ? ", " : "", (int)shown.len, shown.ptr);
        if (!shown.ptr || !list.ptr)
            return -ENOMEM;
    }
    return email_refuse(arena, ret_reason, "The email address contains unsafe characters: %.*s.", (int)list.len, list.ptr);
}

enum { UNSAFE_MAX = 32 }; // of more different ones, the rest is not named

int email_refuse_unsafe(struct arena *arena, str text, bool may_have_blanks, str *ret_reason) {
    uint32_t code_point, found[UNSAFE_MAX];
    size_t count = 0;
    for (bool is_first = true; utf8_next(&text, &code_point); is_first = false)
        if (is_unsafe(code_point, is_first, may_have_blanks) && count < UNSAFE_MAX)
            found[count++] = code_point;
    return count ? refuse_in_order(arena, found, count, ret_reason) : 0;
}
