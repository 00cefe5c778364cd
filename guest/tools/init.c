// SPDX-License-Identifier: Apache-2.0
//
// The images' first process, and the commands that end the machine. One program, told apart by the
// name it is called by: /init brings the machine up, runs one shell (or the command that the kernel's
// command line gives as run="...") and powers off with its exit status; `poweroff [STATUS]`, `halt` and
// `reboot` do what they say.
//
// Written in C and without stdio because it runs at every boot: a shell script that mounts, opens the
// terminal and starts the shell costs about two million instructions more.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

// The board's test device, as QEMU's `virt` and Rookery have it: a 32-bit store ends the machine.
enum {
    kTestDevicePa = 0x100000,
    kTestPass = 0x5555,
    kTestFail = 0x3333, // the status goes into the upper half
    kPageBytes = 4096,
};

enum { kUsageStatus = 64 }; // EX_USAGE

static void say(const char *text) { (void)!write(STDERR_FILENO, text, strlen(text)); }

// What was written to a terminal may still be on its way through the UART.
static void drain_terminals(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) tcdrain(fd);
}

static void power_off(unsigned status)
{
    drain_terminals();
    sync();
    int memory = open("/dev/mem", O_RDWR | O_SYNC | O_CLOEXEC);
    if (memory >= 0) {
        volatile uint32_t *test =
            mmap(NULL, kPageBytes, PROT_READ | PROT_WRITE, MAP_SHARED, memory, kTestDevicePa);
        if (test != MAP_FAILED) *test = status == 0 ? kTestPass : (status << 16) | kTestFail;
    }
    // Still here: no such device. The kernel's own way knows no status.
    reboot(RB_POWER_OFF);
}

static int power_off_command(const char *argument)
{
    char *end = "";
    unsigned long status = argument ? strtoul(argument, &end, 10) : 0;
    if (*end != '\0' || status > 255 || (argument && *argument == '\0')) {
        say("poweroff: the status is a number from 0 to 255.\n");
        return kUsageStatus;
    }
    power_off((unsigned)status);
    say("poweroff: not permitted.\n");
    return EXIT_FAILURE;
}

static int reboot_command(void)
{
    drain_terminals();
    sync();
    reboot(RB_AUTOBOOT);
    say("reboot: not permitted.\n");
    return EXIT_FAILURE;
}

// /dev/console can control no session; the terminal behind it can. The kernel names it here, last of its
// consoles. Returns "/dev/console" if it does not.
static const char *terminal_path(void)
{
    static char path[64] = "/dev/";
    char names[sizeof path - sizeof "/dev/"];
    int fd = open("/sys/class/tty/console/active", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, names, sizeof names - 1);
    if (fd >= 0) close(fd);
    if (length <= 0) return "/dev/console";
    names[length] = '\0';
    if (names[length - 1] == '\n') names[length - 1] = '\0';
    const char *blank = strrchr(names, ' ');
    strcat(path, blank ? blank + 1 : names);
    return path;
}

static void greet(void)
{
    char text[1024];
    int fd = open("/etc/motd", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    ssize_t length = read(fd, text, sizeof text);
    if (length > 0) (void)!write(STDOUT_FILENO, text, (size_t)length);
    close(fd);
}

// Runs the shell as the leader of a session of its own on the terminal (opening a terminal gives it to a
// leader that has none). Returns its process number, or 0 if it could not be started.
static pid_t start_shell(const char *command)
{
    static char *environment[] = {"PATH=/bin:/sbin", "HOME=/root", "USER=root", "SHELL=/bin/sh",
                                  "TERM=vt102", "PS1=\\h:\\w\\$ ", NULL};
    // The leading dash makes it a login shell: it reads /etc/profile.
    char *interactive[] = {"-sh", NULL};
    char *once[] = {"sh", "-c", (char *)command, NULL};
    const char *terminal = terminal_path();
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, terminal, O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
    int error = posix_spawn(&pid, "/bin/sh", &actions, &attributes, command ? once : interactive, environment);
    return error == 0 ? pid : 0;
}

static void bring_up(void)
{
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sysfs", "/sys", "sysfs", 0, NULL);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mkdir("/dev/pts", 0755);
    mount("pts", "/dev/pts", "devpts", 0, "mode=600,ptmxmode=666");
    (void)!chdir("/root");

    // A serial line does not know its window; some programs take the zero for an error.
    struct winsize window;
    if (ioctl(STDIN_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col == 0) {
        window = (struct winsize){.ws_row = 24, .ws_col = 80};
        ioctl(STDIN_FILENO, TIOCSWINSZ, &window);
    }

    // The kernel hands on what it does not know of its command line as environment.
    const char *command = getenv("run");
    if (!command) greet();
    pid_t shell = start_shell(command);
    if (shell == 0) {
        say("init: /bin/sh cannot be started.\n");
        power_off(EXIT_FAILURE);
    }
    for (;;) {
        int status;
        pid_t ended = wait(&status); // adopted orphans too
        if (ended < 0 && errno != EINTR) break;
        if (ended == shell) {
            power_off((unsigned)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)));
            break;
        }
    }
    for (;;) pause(); // only if nothing could end the machine
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash ? slash + 1 : argv[0];
    // -f ("at once") is what everything here does anyway.
    const char *argument = argc > 1 && strcmp(argv[1], "-f") != 0 ? argv[1] : NULL;
    if (strcmp(name, "poweroff") == 0 || strcmp(name, "halt") == 0) return power_off_command(argument);
    if (strcmp(name, "reboot") == 0) return reboot_command();
    if (getpid() == 1) bring_up();
    say("init: this is the first process of the default image, or poweroff, halt and reboot by name.\n");
    return kUsageStatus;
}
