// LinuxCollector
