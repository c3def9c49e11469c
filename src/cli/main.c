// main.c — the program: everything but its name is in libleat, where plugins find what they call.
#include "cli/program.h"

int main(int argument_count, char **arguments) {
    return leat_main(argument_count, arguments);
}
