#include "server/web/process_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

// jemalloc's door to its statistics; null where another allocator is linked.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_size, void* new_value,
                       size_t new_size) __attribute__((weak));

namespace deucalion::web {
namespace {

// What the allocator holds, in bytes.
struct HeapUsage {
  double allocated = 0;  // by the program
  double active = 0;     // pages with something allocated in them
  double mapped = 0;     // from the system
  double retained = 0;   // given back to the system, address space kept
};

// Zeros without jemalloc. `resident` stands in for what is not known then.
HeapUsage ReadHeapUsage(double resident) {
  if (mallctl == nullptr) return {resident, resident, resident, 0};
  uint64_t epoch = 1;
  size_t size = sizeof(epoch);
  (void)mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch));  // refreshes the figures
  const auto read = [](const char* name) {
    size_t value = 0;
    size_t bytes = sizeof(value);
    return mallctl(name, &value, &bytes, nullptr, 0) == 0 ? static_cast<double>(value) : 0;
  };
  return {read("stats.allocated"), read("stats.active"), read("stats.mapped"),
          read("stats.retained")};
}

std::string ReadAll(const char* path) {
  std::ifstream in(path);
  std::stringstream out;
  out << in.rdbuf();
  return out.str();
}

uint64_t CountOpenFiles() {
  DIR* dir = ::opendir("/proc/self/fd");
  if (dir == nullptr) return 0;
  uint64_t n = 0;
  while (::readdir(dir) != nullptr) n++;
  ::closedir(dir);
  return n > 3 ? n - 3 : 0;  // ".", ".." and the directory itself
}

double BootTimeSeconds() {
  const std::string stat = ReadAll("/proc/stat");
  const size_t at = stat.find("\nbtime ");
  return at == std::string::npos ? 0 : std::strtod(stat.c_str() + at + 7, nullptr);
}

// The number in the column `name` of the rows "IpExt:" of /proc/self/net/netstat.
uint64_t IpExtOf(const std::string& netstat, std::string_view name) {
  const size_t names_at = netstat.find("IpExt: ");
  if (names_at == std::string::npos) return 0;
  std::istringstream lines(netstat.substr(names_at));
  std::string names, values;
  std::getline(lines, names);
  std::getline(lines, values);
  std::istringstream name_in(names), value_in(values);
  std::string column, value;
  while (name_in >> column && value_in >> value) {
    if (column == name) return std::strtoull(value.c_str(), nullptr, 10);
  }
  return 0;
}

void One(MetricSink& sink, std::string_view name, std::string_view help, MetricType type,
         double value, const MetricLabels& labels = {}) {
  sink.Family(name, help, type);
  sink.Sample("", labels, value);
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  const std::string stat = ReadAll("/proc/self/stat");
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return usage;
  std::istringstream in(stat.substr(name_end + 2));
  std::string skip;
  // Fields are numbered from 3 (state) here; see proc(5).
  unsigned long long utime = 0, stime = 0, start = 0, vsize = 0;
  long long threads = 0, rss = 0;
  for (int field = 3; field <= 13; field++) in >> skip;
  in >> utime >> stime;
  for (int field = 16; field <= 19; field++) in >> skip;
  in >> threads >> skip >> start >> vsize >> rss;
  const double hertz = static_cast<double>(::sysconf(_SC_CLK_TCK));
  usage.cpu_seconds = static_cast<double>(utime + stime) / hertz;
  usage.threads = static_cast<uint64_t>(threads);
  usage.virtual_bytes = vsize;
  usage.resident_bytes = static_cast<uint64_t>(rss) * static_cast<uint64_t>(::getpagesize());
  static const double boot_seconds = BootTimeSeconds();
  usage.start_time_seconds = boot_seconds + static_cast<double>(start) / hertz;
  usage.open_fds = CountOpenFiles();
  const std::string netstat = ReadAll("/proc/self/net/netstat");
  usage.received_bytes = IpExtOf(netstat, "InOctets");
  usage.sent_bytes = IpExtOf(netstat, "OutOctets");
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_fds = limit.rlim_cur;
  if (::getrlimit(RLIMIT_AS, &limit) == 0) usage.max_virtual_bytes = limit.rlim_cur;
  return usage;
}

void AddProcessMetrics(MetricRegistry* metrics, std::string_view version, std::string_view revision,
                       std::string_view branch) {
  const MetricLabels build{{"branch", std::string(branch)},
                           {"goarch", "amd64"},
                           {"goos", "linux"},
                           {"goversion", "none"},
                           {"revision", std::string(revision)},
                           {"tags", ""},
                           {"version", std::string(version)}};
  metrics->AddCollector(metrics, [build](MetricSink& sink) {
    const ProcessUsage usage = ReadProcessUsage();
    const double resident = static_cast<double>(usage.resident_bytes);
    One(sink, "prometheus_build_info",
        "A metric with a constant '1' value labeled by version, revision, branch, goversion from "
        "which prometheus was built, and the goos and goarch for the build.",
        MetricType::kGauge, 1, build);
    One(sink, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
        MetricType::kCounter, usage.cpu_seconds);
    One(sink, "process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::kGauge,
        resident);
    One(sink, "process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::kGauge,
        static_cast<double>(usage.virtual_bytes));
    One(sink, "process_virtual_memory_max_bytes",
        "Maximum amount of virtual memory available in bytes.", MetricType::kGauge,
        static_cast<double>(usage.max_virtual_bytes));
    One(sink, "process_open_fds", "Number of open file descriptors.", MetricType::kGauge,
        static_cast<double>(usage.open_fds));
    One(sink, "process_max_fds", "Maximum number of open file descriptors.", MetricType::kGauge,
        static_cast<double>(usage.max_fds));
    One(sink, "process_network_receive_bytes_total",
        "Number of bytes received by the process over the network.", MetricType::kCounter,
        static_cast<double>(usage.received_bytes));
    One(sink, "process_network_transmit_bytes_total",
        "Number of bytes sent by the process over the network.", MetricType::kCounter,
        static_cast<double>(usage.sent_bytes));
    One(sink, "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.", MetricType::kGauge,
        usage.start_time_seconds);
    One(sink, "go_info", "Information about the Go environment (there is none).",
        MetricType::kGauge, 1, {{"version", "none"}});
    One(sink, "go_goroutines", "Number of threads (this server has no goroutines).",
        MetricType::kGauge, static_cast<double>(usage.threads));
    One(sink, "go_threads", "Number of OS threads created.", MetricType::kGauge,
        static_cast<double>(usage.threads));
    const HeapUsage heap = ReadHeapUsage(resident);
    const auto memory = [&sink](std::string_view name, std::string_view help, double value) {
      One(sink, name, help, MetricType::kGauge, value);
    };
    memory("go_memstats_alloc_bytes", "Bytes allocated and in use (of the C++ heap).",
           heap.allocated);
    memory("go_memstats_heap_alloc_bytes", "Bytes allocated and in use (of the C++ heap).",
           heap.allocated);
    memory("go_memstats_heap_inuse_bytes", "Bytes in pages with something allocated in them.",
           heap.active);
    memory("go_memstats_heap_idle_bytes", "Bytes of the heap in pages without anything in them.",
           heap.mapped - heap.active);
    memory("go_memstats_heap_sys_bytes", "Bytes the allocator holds from the system.", heap.mapped);
    memory("go_memstats_heap_released_bytes", "Bytes the allocator has given back to the system.",
           heap.retained);
    memory("go_memstats_sys_bytes", "Bytes the allocator holds from the system.", heap.mapped);
  });
}

}  // namespace deucalion::web
