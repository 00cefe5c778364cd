// SPDX-License-Identifier: Apache-2.0
//
// icount COMMAND [ARGUMENT...]: runs a command and says, on standard error, how many instructions the machine
// retired meanwhile, the kernel's among them. In Rookery time is retired instructions, so the same machine
// gives the same number every time. Where the counter is closed to programs, says so and gives only the time.
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static sigjmp_buf no_counter;

static void on_illegal_instruction(int signal) { siglongjmp(no_counter, signal); }

// RV32 reads a 64-bit counter by halves; the upper half is read again in case the lower one overflowed.
#define READ_COUNTER(low_csr, high_csr)                                                        \
    ({                                                                                         \
        uint32_t low, high, again;                                                             \
        do __asm__ volatile("csrr %0, " #high_csr "\n csrr %1, " #low_csr "\n csrr %2, " #high_csr \
                            : "=r"(high), "=r"(low), "=r"(again));                             \
        while (high != again);                                                                 \
        (uint64_t) high << 32 | low;                                                           \
    })

static void append_decimal(char *line, uint64_t value)
{
    char digits[32];
    int at = sizeof digits - 1;
    digits[at] = '\0';
    for (int count = 0;; ++count) {
        if (count != 0 && count % 3 == 0) digits[--at] = ',';
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
        if (value == 0) break;
    }
    strcat(line, digits + at);
}

int main(int argc, char **argv)
{
    static const char usage[] = "Usage: icount COMMAND [ARGUMENT...]\n";
    static const char not_found[] = "icount: the command cannot be started.\n";
    if (argc < 2) {
        (void)!write(STDERR_FILENO, usage, sizeof usage - 1);
        return 64;
    }
    volatile int counts = 1;
    signal(SIGILL, on_illegal_instruction);
    if (sigsetjmp(no_counter, 1) == 0) (void)READ_COUNTER(instret, instreth);
    else counts = 0;
    signal(SIGILL, SIG_DFL);

    pid_t pid;
    int status;
    uint64_t before = counts ? READ_COUNTER(instret, instreth) : READ_COUNTER(time, timeh);
    int error = posix_spawnp(&pid, argv[1], NULL, NULL, argv + 1, environ);
    if (error == ENOENT) {
        // Most commands exist only as names that Busybox knows.
        argv[0] = "busybox";
        error = posix_spawn(&pid, "/bin/busybox", NULL, NULL, argv, environ);
    }
    if (error != 0) {
        (void)!write(STDERR_FILENO, not_found, sizeof not_found - 1);
        return 127;
    }
    while (waitpid(pid, &status, 0) != pid) {}
    uint64_t after = counts ? READ_COUNTER(instret, instreth) : READ_COUNTER(time, timeh);

    char line[128] = "";
    append_decimal(line, after - before);
    strcat(line, counts ? " instructions\n" : " ticks of the timer (the instruction counter is closed to programs)\n");
    (void)!write(STDERR_FILENO, line, strlen(line));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
