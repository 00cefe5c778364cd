// SPDX-License-Identifier: Apache-2.0
#include "cli/machine_options.h"

#include "base/file.h"
#include "cli/arguments.h"
#include "cli/images.h"
#include "cli/recording_file.h"
#include "machine/decompress.h"

namespace rookery::cli {
namespace {

constexpr u64 kMaxSymbolFileBytes = 1 * kGiB;

// What the image wants, unless the user wants otherwise.
Result<void> use_image(const MachineOptions& options, MachineConfig& machine) {
  auto image = find_image(options.image.empty() ? kDefaultImage : options.image);
  if (!image) return std::unexpected(std::move(image.error()));
  machine.xlen = image->xlen;
  if (machine.kernel_path.empty()) machine.kernel_path = image->kernel_path;
  if (machine.initrd_path.empty()) machine.initrd_path = image->initrd_path;
  if (options.append->count() == 0) machine.append = image->command_line;
  if (options.memory.empty() && image->ram_bytes != 0) machine.ram_bytes = image->ram_bytes;
  return {};
}

}  // namespace

void add_machine_options(CLI::App& command, MachineOptions& options) {
  MachineConfig& machine = options.config;
  auto* image = command.add_option("--image", options.image,
                                   "An image of Rookery's, default or nommu, or an image.json; "
                                   "what else is given replaces parts");
  auto* kernel = command.add_option(
      "--kernel", machine.kernel_path,
      "Linux Image or ELF; zstd-compressed ones too. Without it, Rookery's own image boots");
  auto* initrd = command.add_option("--initrd", machine.initrd_path, "Initial RAM disk");
  auto* append = command.add_option("--append", machine.append, "The kernel's command line");
  command.add_option("--memory", options.memory,
                     "RAM: 64M, 1G; a plain number counts MiB (default 64M)");
  auto* dtb = command.add_option("--dtb", machine.dtb_path,
                                 "Device tree blob instead of the machine's own");
  auto* bios = command.add_option(
      "--bios", machine.bios_path,
      "M-mode firmware (OpenSBI's fw_dynamic.bin) instead of the built-in SBI; none: none");
  auto* bare = command.add_option("--bare", machine.bare_path,
                                  "A bare ELF, started in M-mode; HTIF's tohost ends it");
  for (auto* other : {image, kernel, initrd, append, dtb, bios}) bare->excludes(other);
  for (auto* option : {kernel, initrd, dtb, bios, bare}) option->type_name("FILE");
  image->type_name("NAME|FILE");
  options.append = append;
}

void exclude_machine_options(CLI::App& command, CLI::Option& option) {
  for (const char* name :
       {"--image", "--kernel", "--initrd", "--append", "--memory", "--dtb", "--bios", "--bare"})
    option.excludes(command.get_option(name));
}

CLI::Option* add_parent_option(CLI::App& command, std::vector<std::string>& parents) {
  return command
      .add_option("--parent", parents,
                  "A snapshot that one was stored as the difference from, if it is not where it "
                  "was; may be given more than once")
      ->allow_extra_args(false)
      ->type_name("FILE.rook");
}

Result<BootImage> plan_machine(const MachineOptions& options) {
  auto machine = plan_identified_machine(options, nullptr);
  if (!machine) return std::unexpected(std::move(machine.error()));
  return std::move(machine->image);
}

Result<IdentifiedMachine> plan_identified_machine(const MachineOptions& options,
                                                  const RecordedMachine* recorded) {
  MachineConfig machine = options.config;
  if (!options.memory.empty()) {
    auto bytes = parse_memory_size(options.memory);
    if (!bytes) return std::unexpected(std::move(bytes.error()));
    machine.ram_bytes = *bytes;
  }
  if (!options.image.empty()) {
    if (auto done = use_image(options, machine); !done)
      return std::unexpected(std::move(done.error()));
  }
  if (recorded != nullptr)
    use_recorded_machine(*recorded, options.append->count() > 0, !options.memory.empty(), machine);
  if (machine.bare_path.empty() && machine.kernel_path.empty()) {
    if (auto done = use_image(options, machine); !done)
      return std::unexpected(std::move(done.error()));
  }
  auto files = read_boot_files(machine);
  if (!files) return std::unexpected(std::move(files.error()));
  machine.xlen = guess_xlen(*files).value_or(machine.xlen);
  RecordedMachine identity = describe_files(machine, *files);
  auto image = plan_boot(machine, *std::move(files));
  if (!image) return std::unexpected(std::move(image.error()));
  describe_image(identity, *image);
  if (recorded != nullptr) {
    if (auto same = check_same_machine(*recorded, identity); !same)
      return std::unexpected(std::move(same.error()));
  }
  return IdentifiedMachine{*std::move(image), std::move(identity)};
}

Result<u64> max_instructions(const MachineOptions& options) {
  if (options.max_instructions.empty()) return std::numeric_limits<u64>::max();
  return parse_count(options.max_instructions, "--max-instructions");
}

Result<std::optional<SymbolTable>> read_symbols(const std::string& path) {
  if (path.empty()) return std::nullopt;
  const std::string what = fmt::format("symbol file \"{}\"", path);
  auto bytes = read_file(path, "symbol file", kMaxSymbolFileBytes);
  if (!bytes) return std::unexpected(std::move(bytes.error()));
  auto plain = decompress_if_zstd(*std::move(bytes), what, kMaxSymbolFileBytes);
  if (!plain) return std::unexpected(std::move(plain.error()));
  auto symbols = SymbolTable::parse(*plain, what);
  if (!symbols) return std::unexpected(std::move(symbols.error()));
  return *std::move(symbols);
}

Result<InstructionRange> parse_instruction_range(const std::string& from, const std::string& to) {
  InstructionRange range;
  if (!from.empty() && from != "0") {
    auto count = parse_count(from, "--from");
    if (!count) return std::unexpected(std::move(count.error()));
    range.from = *count;
  }
  if (!to.empty()) {
    auto count = parse_count(to, "--to");
    if (!count) return std::unexpected(std::move(count.error()));
    range.to = *count;
  }
  if (range.from >= range.to) {
    return fail(ErrorKind::usage, "--from {} leaves nothing before --to {}.", range.from, range.to);
  }
  return range;
}

}  // namespace rookery::cli
