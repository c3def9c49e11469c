// reason.c — what a status is called (RFC 9110, section 15, and the IANA registry).
#include "http/reason.h"

#include <stdbool.h>
#include <string.h>

enum { STATUS_MIN = 100, STATUS_MAX = 599 };

#define STATUSES(X)                                                                                                                        \
    X(100, "Continue")                                                                                                                     \
    X(101, "Switching Protocols")                                                                                                          \
    X(102, "Processing")                                                                                                                   \
    X(103, "Early Hints")                                                                                                                  \
    X(200, "OK")                                                                                                                           \
    X(201, "Created")                                                                                                                      \
    X(202, "Accepted")                                                                                                                     \
    X(203, "Non-Authoritative Information")                                                                                                \
    X(204, "No Content")                                                                                                                   \
    X(205, "Reset Content")                                                                                                                \
    X(206, "Partial Content")                                                                                                              \
    X(207, "Multi-Status")                                                                                                                 \
    X(208, "Already Reported")                                                                                                             \
    X(226, "IM Used")                                                                                                                      \
    X(300, "Multiple Choices")                                                                                                             \
    X(301, "Moved Permanently")                                                                                                            \
    X(302, "Found")                                                                                                                        \
    X(303, "See Other")                                                                                                                    \
    X(304, "Not Modified")                                                                                                                 \
    X(305, "Use Proxy")                                                                                                                    \
    X(307, "Temporary Redirect")                                                                                                           \
    X(308, "Permanent Redirect")                                                                                                           \
    X(400, "Bad Request")                                                                                                                  \
    X(401, "Unauthorized")                                                                                                                 \
    X(402, "Payment Required")                                                                                                             \
    X(403, "Forbidden")                                                                                                                    \
    X(404, "Not Found")                                                                                                                    \
    X(405, "Method Not Allowed")                                                                                                           \
    X(406, "Not Acceptable")                                                                                                               \
    X(407, "Proxy Authentication Required")                                                                                                \
    X(408, "Request Timeout")                                                                                                              \
    X(409, "Conflict")                                                                                                                     \
    X(410, "Gone")                                                                                                                         \
    X(411, "Length Required")                                                                                                              \
    X(412, "Precondition Failed")                                                                                                          \
    X(413, "Content Too Large")                                                                                                            \
    X(414, "URI Too Long")                                                                                                                 \
    X(415, "Unsupported Media Type")                                                                                                       \
    X(416, "Range Not Satisfiable")                                                                                                        \
    X(417, "Expectation Failed")                                                                                                           \
    X(418, "I'm a Teapot")                                                                                                                 \
    X(421, "Misdirected Request")                                                                                                          \
    X(422, "Unprocessable Entity")                                                                                                         \
    X(423, "Locked")                                                                                                                       \
    X(424, "Failed Dependency")                                                                                                            \
    X(425, "Too Early")                                                                                                                    \
    X(426, "Upgrade Required")                                                                                                             \
    X(428, "Precondition Required")                                                                                                        \
    X(429, "Too Many Requests")                                                                                                            \
    X(431, "Request Header Fields Too Large")                                                                                              \
    X(451, "Unavailable For Legal Reasons")                                                                                                \
    X(500, "Internal Server Error")                                                                                                        \
    X(501, "Not Implemented")                                                                                                              \
    X(502, "Bad Gateway")                                                                                                                  \
    X(503, "Service Unavailable")                                                                                                          \
    X(504, "Gateway Timeout")                                                                                                              \
    X(505, "HTTP Version Not Supported")                                                                                                   \
    X(506, "Variant Also Negotiates")                                                                                                      \
    X(507, "Insufficient Storage")                                                                                                         \
    X(508, "Loop Detected")                                                                                                                \
    X(510, "Not Extended")                                                                                                                 \
    X(511, "Network Authentication Required")

// the whole line stands ready: a status costs one copy
#define LINE(status_, reason_)                                                                                                             \
    [status_ - STATUS_MIN] = {"HTTP/1.1 " #status_ " " reason_ "\r\n", sizeof "HTTP/1.1 " #status_ " " reason_ "\r\n" - 1},
static const str lines[STATUS_MAX - STATUS_MIN + 1] = {STATUSES(LINE)};
#define REASON(status_, reason_) [status_ - STATUS_MIN] = reason_,
static const char *const reasons[STATUS_MAX - STATUS_MIN + 1] = {STATUSES(REASON)};

const char *http_reason(unsigned status) {
    bool is_named = status >= STATUS_MIN && status <= STATUS_MAX && reasons[status - STATUS_MIN];
    return is_named ? reasons[status - STATUS_MIN] : "Unknown";
}

str http_status_line(unsigned status, char scratch[16]) {
    if (status >= STATUS_MIN && status <= STATUS_MAX && lines[status - STATUS_MIN].ptr)
        return lines[status - STATUS_MIN];
    memcpy(scratch, "HTTP/1.1 000 \r\n", 15);
    scratch[9] = (char)('0' + status / 100 % 10);
    scratch[10] = (char)('0' + status / 10 % 10);
    scratch[11] = (char)('0' + status % 10);
    return (str){scratch, 15};
}
