/** Manual of the tuner sysctl. */
import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'sysctl',
  summary: 'Any other sysctl by its name.',
  settings: [
    {
      name: 'settings',
      what: 'Name to value. A dot separates the parts of a name, and a slash stands for a dot within one: net.ipv4.conf.eth0/100.forwarding; names with slashes as in /proc/sys are taken as well.',
      values:
        'at most 256 names; whole numbers or text of at most 4096 characters, blanks and tabs counting as one blank',
      default: "the kernel's, or that of a file in sysctl.d",
      writes: '/proc/sys/NAME',
      since: 'by name',
      effect: 'now',
    },
  ],
  knobs: ['the name with dots, such as net.core.somaxconn'],
  verify:
    'The value is read back, blanks and tabs as one. A file that sets another value at the next boot is named with its line. Files are taken as systemd-sysctl takes them: /etc, /run, /usr/local/lib, /usr/lib, /lib in this order hide files of the same name, then by name; a line with the whole name goes before patterns; /etc/sysctl.conf is read last, as sysctl --system does.',
  undo: 'Each name gets its former value, an empty one too.',
  limits: [
    'A value that the kernel makes another one of (48080,48081 becomes 48080-48081) is put back at once and fails with both values: write it as the kernel shows it.',
    "Names of other tuners are refused with the tuner's name: vm.swappiness and the others of virtual-memory, kernel.numa_balancing, vm.nr_hugepages and its like.",
    'Refused because the kernel would run a program: kernel.core_pattern, kernel.core_pipe_limit, kernel.modprobe, kernel.hotplug, kernel.poweroff_cmd, kernel.cad_pid, kernel.usermodehelper.*, fs.binfmt_misc.*.',
    'Refused because a write acts once: vm.compact_memory, vm.drop_caches, vm.stat_refresh, net.ipv4.route.flush, net.ipv6.route.flush, kernel.sysrq-trigger, kernel.ns_last_pid, kernel.msg_next_id, kernel.sem_next_id, kernel.shm_next_id, kernel.acct.',
    'Refused because it cannot be undone before a restart: kernel.modules_disabled, kernel.kexec_load_disabled, kernel.unprivileged_bpf_disabled, kernel.tainted, kernel.yama.ptrace_scope.',
    'Refused because the host is named by its administrator: kernel.hostname, kernel.domainname.',
    'Refused because the kernel applies them to every interface, whose former values cannot be put back: net.ipv4.ip_forward, net.ipv4.conf.all.*, net.ipv6.conf.all.*; name each interface, as net.ipv4.conf.eth0.forwarding.',
    'Patterns are not taken, and names below interfaces that come later are not set on them.',
    'Nothing is written to files: after a restart of the host Drover sets the values again.',
  ],
  owners: [
    'systemd-sysctl.service at boot',
    'tuned.service (plugin sysctl)',
    'NetworkManager (net.ipv6.conf.*)',
  ],
  sources: ['sysctl.d(5) of systemd 252, sysctl(8) of procps', 'Linux Documentation/admin-guide/sysctl'],
  example: `sysctl:
  settings:
    net.core.somaxconn: 4096
    net.ipv4.tcp_rmem: 4096 131072 6291456
    kernel.pid_max: 4194304
`,
};
