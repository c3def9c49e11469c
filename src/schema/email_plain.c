// email_plain.c — addresses that are right as they are: nearly all, and one pass over their bytes says so.
#include <errno.h>
#include <string.h>

#include "schema/email.h"

enum { LOCAL_BYTES_MAX = 64, ADDRESS_BYTES_MAX = 254, DOMAIN_BYTES_MAX = 253, LABEL_BYTES_MAX = 63 };

// RFC 2142's mailboxes, whose case never matters.
bool email_is_mailbox(str local) {
    static const char *const names[] = {"info",       "marketing", "sales", "support",   "abuse", "noc",  "security", "postmaster",
                                        "hostmaster", "usenet",    "news",  "webmaster", "www",   "uucp", "ftp"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (local.len == strlen(names[i]) && strncasecmp(local.ptr, names[i], local.len) == 0)
            return true;
    return false;
}

static const uint8_t classes[256];
enum { ATOM = 1, HOST = 2, UPPER = 4 };

static bool is_plain_local(str local) {
    bool may_stop = false;
    unsigned found = 0;
    for (size_t i = 0; i < local.len; i++) {
        unsigned class = classes[(unsigned char)local.ptr[i]];
        if (local.ptr[i] == '.' ? !may_stop : !(class & ATOM))
            return false;
        may_stop = local.ptr[i] != '.';
        found |= class;
    }
    return may_stop && !((found & UPPER) && email_is_mailbox(local));
}

// A domain of letters, digits, single periods and inner hyphens, with nothing that IDNA has a say in. Collects the classes of its bytes.
static bool is_plain_domain(str domain, unsigned *ret_classes) {
    size_t label_start = 0, labels = 1;
    *ret_classes = 0;
    for (size_t i = 0; i < domain.len; i++) {
        unsigned class = classes[(unsigned char)domain.ptr[i]];
        *ret_classes |= class;
        if (!(class & HOST) && domain.ptr[i] != '.')
            return false;
        bool is_edge = i == label_start || i + 1 == domain.len || domain.ptr[i + 1] == '.';
        if (domain.ptr[i] == '-' && (is_edge || (i == label_start + 3 && domain.ptr[i - 1] == '-')))
            return false;
        if (domain.ptr[i] != '.')
            continue;
        if (i == label_start || i - label_start > LABEL_BYTES_MAX)
            return false;
        label_start = i + 1;
        labels++;
    }
    char last = domain.ptr[domain.len - 1] | 0x20;
    return labels > 1 && last >= 'a' && last <= 'z' && domain.len - label_start <= LABEL_BYTES_MAX && domain.len <= DOMAIN_BYTES_MAX;
}

// True where `text` is an address as it is; *ret_has_upper: but for the case of its domain.
static bool is_plain(str text, size_t *ret_at, bool *ret_has_upper) {
    const char *at = memchr(text.ptr, '@', text.len);
    unsigned domain_classes;
    if (!at || text.len > ADDRESS_BYTES_MAX || at == text.ptr || at + 1 == text.ptr + text.len)
        return false;
    str local = {text.ptr, (size_t)(at - text.ptr)}, domain = {at + 1, text.len - local.len - 1};
    if (local.len > LOCAL_BYTES_MAX || !is_plain_local(local) || !is_plain_domain(domain, &domain_classes))
        return false;
    *ret_at = local.len;
    *ret_has_upper = domain_classes & UPPER;
    return true;
}

#define L ATOM | HOST
#define U ATOM | HOST | UPPER
static const uint8_t classes[256] = {
    ['!'] = ATOM,        ['#'] = ATOM, ['$'] = ATOM, ['%'] = ATOM,      ['&'] = ATOM,      ['\''] = ATOM,     ['*'] = ATOM, ['+'] = ATOM,
    ['-'] = ATOM | HOST, ['/'] = ATOM, ['='] = ATOM, ['?'] = ATOM,      ['^'] = ATOM,      ['_'] = ATOM,      ['`'] = ATOM, ['{'] = ATOM,
    ['|'] = ATOM,        ['}'] = ATOM, ['~'] = ATOM, ['0' ... '9'] = L, ['a' ... 'z'] = L, ['A' ... 'Z'] = U,
};
#undef L
#undef U

static int take_plain(struct arena *arena, str *text, size_t at, bool has_upper, bool *ret_is_taken) {
    str domain = {text->ptr + at + 1, text->len - at - 1};
    if (has_upper) {
        str copy = arena_copy(arena, *text);
        if (!copy.ptr)
            return -ENOMEM;
        for (size_t i = at; i < copy.len; i++)
            if (copy.ptr[i] >= 'A' && copy.ptr[i] <= 'Z')
                ((char *)copy.ptr)[i] |= 0x20;
        domain.ptr = copy.ptr + at + 1;
    }
    *ret_is_taken = !email_domain_is_special(domain);
    if (*ret_is_taken)
        text->ptr = domain.ptr - at - 1;
    return 0;
}

int email_take_plain(struct arena *arena, str *text, bool *ret_is_taken) {
    size_t at;
    bool has_upper;
    *ret_is_taken = false;
    return is_plain(*text, &at, &has_upper) ? take_plain(arena, text, at, has_upper, ret_is_taken) : 0;
}
