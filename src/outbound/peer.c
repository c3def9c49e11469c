// peer.c — whom a call may reach: public addresses, and what OUTBOUND_ALLOW adds to them.
#include "outbound/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ITEMS_MAX = 1024, ITEM_BYTES_MAX = 253, MAPPED_BITS = 96 };

#define V4(a, b, c, d, bits_)                                                                                                              \
    { {[10] = 0xff, [11] = 0xff, [12] = a, [13] = b, [14] = c, [15] = d}, MAPPED_BITS + (bits_) }

// The registries of special-purpose addresses (iana.org/assignments/iana-ipv4-special-registry and its sister for IPv6).
static const struct peer_range special[] = {
    V4(0, 0, 0, 0, 8),       // this network
    V4(10, 0, 0, 0, 8),      // private
    V4(100, 64, 0, 0, 10),   // shared by carriers
    V4(127, 0, 0, 0, 8),     // loopback
    V4(169, 254, 0, 0, 16),  // link-local; the metadata of clouds
    V4(172, 16, 0, 0, 12),   // private
    V4(192, 0, 0, 0, 24),    // protocol assignments
    V4(192, 0, 2, 0, 24),    // documentation
    V4(192, 88, 99, 0, 24),  // 6to4 relays
    V4(192, 168, 0, 0, 16),  // private
    V4(198, 18, 0, 0, 15),   // benchmarks
    V4(198, 51, 100, 0, 24), // documentation
    V4(203, 0, 113, 0, 24),  // documentation
    V4(224, 0, 0, 0, 4),     // multicast
    V4(240, 0, 0, 0, 4),     // reserved, broadcast
};

// Of IPv6 only 2000::/3 is in use; these parts of it are no hosts, or lead to an IPv4 address through somebody else.
static const struct peer_range special_global[] = {
    {{0x20, 0x01}, 23},             // protocol assignments: Teredo, ORCHID
    {{0x20, 0x01, 0x0d, 0xb8}, 32}, // documentation
    {{0x20, 0x02}, 16},             // 6to4
    {{0x3f, 0xff}, 20},             // documentation
};
static const struct peer_range global_unicast = {{0x20}, 3};
static const struct peer_range mapped = {{[10] = 0xff, [11] = 0xff}, MAPPED_BITS};
static const struct peer_range nat64 = {{0x00, 0x64, 0xff, 0x9b}, MAPPED_BITS};

static const struct peer_range private_ranges[] = {
    V4(10, 0, 0, 0, 8),     V4(100, 64, 0, 0, 10), V4(127, 0, 0, 0, 8), V4(172, 16, 0, 0, 12),
    V4(192, 168, 0, 0, 16), {{[15] = 1}, 128},     {{0xfc}, 7},
};

static bool is_in(const struct peer_range *range, const unsigned char address[16]) {
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(range->address, address, whole) != 0)
        return false;
    return rest == 0 || (range->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}

static bool is_in_any(const struct peer_range *ranges, size_t count, const unsigned char address[16]) {
    for (size_t i = 0; i < count; i++)
        if (is_in(&ranges[i], address))
            return true;
    return false;
}

static void map_v4(const void *v4, unsigned char ret_address[16]) {
    memcpy(ret_address, mapped.address, 12);
    memcpy(ret_address + 12, v4, 4);
}

// As sixteen bytes; an address of another family is false.
static bool flatten(const struct sockaddr *address, unsigned char ret_address[16]) {
    if (address->sa_family == AF_INET)
        map_v4(&((const struct sockaddr_in *)address)->sin_addr, ret_address);
    else if (address->sa_family == AF_INET6)
        memcpy(ret_address, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
    else
        return false;
    return true;
}

// What a translator at the edge of the network sends to an IPv4 address is judged as that address (RFC 6052).
static void look_through_nat64(unsigned char address[16]) {
    if (is_in(&nat64, address))
        memcpy(address, mapped.address, 12);
}

static bool is_public(const unsigned char address[16]) {
    if (is_in(&mapped, address))
        return !is_in_any(special, sizeof special / sizeof *special, address);
    return is_in(&global_unicast, address) && !is_in_any(special_global, sizeof special_global / sizeof *special_global, address);
}

bool peer_is_public(const struct sockaddr *address) {
    unsigned char flat[16];
    if (!flatten(address, flat))
        return false;
    look_through_nat64(flat);
    return is_public(flat);
}

static bool is_host_allowed(const struct peer_rules *rules, str host) {
    for (size_t i = 0; i < rules->host_count; i++) {
        str rule = rules->hosts[i];
        bool is_suffix = rule.ptr[0] == '.';
        if (host.len < rule.len || (!is_suffix && host.len != rule.len))
            continue;
        if (strncasecmp(host.ptr + host.len - rule.len, rule.ptr, rule.len) == 0)
            return true;
    }
    return false;
}

bool peer_is_allowed(const struct peer_rules *rules, str host, const struct sockaddr *address) {
    unsigned char flat[16];
    if (!flatten(address, flat))
        return false;
    look_through_nat64(flat);
    return is_public(flat) || is_in_any(rules->ranges, rules->range_count, flat) || is_host_allowed(rules, host);
}

// ---- read

struct parse {
    struct arena *arena;
    struct peer_range *ranges;
    size_t range_count;
    str *hosts;
    size_t host_count;
    str message;
};

static str trimmed(str s) {
    while (s.len && (*s.ptr == ' ' || *s.ptr == '\t'))
        s.ptr++, s.len--;
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

static int refuse(struct parse *parse, str item, const char *why) {
    parse->message = arena_format(parse->arena, "'%.*s': %s", (int)item.len, item.ptr, why);
    return -EINVAL;
}

// Only zeros may follow the bits that count: 10.0.0.7/8 is more likely a slip than a block.
static bool is_block(const struct peer_range *range) {
    for (unsigned bit = range->bits; bit < 128; bit++)
        if (range->address[bit / 8] >> (7 - bit % 8) & 1)
            return false;
    return true;
}

static bool read_address(const char *text, struct peer_range *ret_range, unsigned *ret_bits_max) {
    unsigned char v4[4];
    if (inet_pton(AF_INET, text, v4) == 1) {
        map_v4(v4, ret_range->address);
        *ret_bits_max = 32;
        return true;
    }
    *ret_bits_max = 128;
    return inet_pton(AF_INET6, text, ret_range->address) == 1;
}

/** 1 where it is no address at all. */
static int read_range(struct parse *parse, str item, struct peer_range *ret_range) {
    char text[ITEM_BYTES_MAX + 1];
    memcpy(text, item.ptr, item.len);
    text[item.len] = '\0';
    char *slash = strchr(text, '/');
    if (slash)
        *slash = '\0';
    unsigned bits_max = 0;
    if (!read_address(text, ret_range, &bits_max))
        return slash ? refuse(parse, item, "what stands before the '/' is no address") : 1;
    char *end = NULL;
    unsigned long bits = slash ? strtoul(slash + 1, &end, 10) : bits_max;
    if (slash && (slash[1] < '0' || slash[1] > '9' || *end || bits > bits_max))
        return refuse(parse, item, "what follows the '/' is no number of bits");
    ret_range->bits = 128 - bits_max + (unsigned)bits;
    return is_block(ret_range) ? 0 : refuse(parse, item, "it has bits beyond its length; write the block's first address");
}

static bool is_name(str item) {
    for (size_t i = 0; i < item.len; i++) {
        char c = item.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && c != '-' && c != '.' && c != '_')
            return false;
    }
    return item.len > 0 && item.ptr[item.len - 1] != '.' && !(item.len == 1 && item.ptr[0] == '.');
}

static int add_private(struct parse *parse) {
    memcpy(parse->ranges + parse->range_count, private_ranges, sizeof private_ranges);
    parse->range_count += sizeof private_ranges / sizeof *private_ranges;
    return 0;
}

static int add(struct parse *parse, str item) {
    if (item.len > ITEM_BYTES_MAX)
        return refuse(parse, (str){item.ptr, 40}, "it is longer than any name");
    if (item.len == 7 && strncasecmp(item.ptr, "private", 7) == 0)
        return add_private(parse);
    int status = read_range(parse, item, &parse->ranges[parse->range_count]);
    if (status <= 0) {
        parse->range_count += status == 0;
        return status;
    }
    if (!is_name(item))
        return refuse(parse, item, "it is no address, no block of addresses (10.0.0.0/8), no host name, and not `private`");
    str copy = arena_copy(parse->arena, item);
    parse->hosts[parse->host_count++] = copy;
    return copy.ptr ? 0 : -ENOMEM;
}

static int add_all(struct parse *parse, str text) {
    int status = 0;
    for (size_t begin = 0; begin <= text.len && !status;) {
        const char *comma = begin < text.len ? memchr(text.ptr + begin, ',', text.len - begin) : NULL;
        size_t end = comma ? (size_t)(comma - text.ptr) : text.len;
        str item = trimmed((str){text.ptr + begin, end - begin});
        if (item.len)
            status = add(parse, item);
        begin = end + 1;
    }
    return status;
}

int peer_rules_parse(str text, struct arena *arena, struct peer_rules *ret_rules, str *ret_message) {
    struct parse parse = {.arena = arena};
    size_t item_count = 1;
    for (size_t i = 0; i < text.len; i++)
        item_count += text.ptr[i] == ',';
    if (item_count > ITEMS_MAX) {
        *ret_message = arena_format(arena, "more than %d of them", ITEMS_MAX);
        return -EINVAL;
    }
    parse.ranges = arena_alloc(arena, item_count * sizeof private_ranges); // each may be `private`
    parse.hosts = arena_alloc(arena, item_count * sizeof *parse.hosts);
    int status = parse.ranges && parse.hosts ? add_all(&parse, text) : -ENOMEM;
    if (status) {
        *ret_message = parse.message;
        return status;
    }
    *ret_rules = (struct peer_rules){parse.ranges, parse.range_count, parse.hosts, parse.host_count};
    return 0;
}
