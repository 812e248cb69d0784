/** Names of sysctls, and those that this tuner leaves alone. Pure. Rules of names: sysctl.d(5), sysctl(8). */

/** Another tuner's knobs, by name: two wishes for one value would fight for ever. */
const owned: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      ...['swappiness', 'dirty_ratio', 'dirty_bytes', 'dirty_background_ratio', 'dirty_background_bytes'],
      ...['dirty_expire_centisecs', 'dirty_writeback_centisecs', 'min_free_kbytes', 'watermark_scale_factor'],
      ...['vfs_cache_pressure', 'overcommit_memory', 'overcommit_ratio', 'overcommit_kbytes'],
      ...['zone_reclaim_mode', 'page-cluster'],
    ].map((name) => [`vm.${name}`, 'virtual-memory']),
  ),
  'kernel.numa_balancing': 'virtual-memory',
  'vm.nr_hugepages': 'hugepages',
  'vm.nr_hugepages_mempolicy': 'hugepages',
  'vm.nr_overcommit_hugepages': 'hugepages',
};

/** The kernel starts what they name, as root: a profile sets values and runs no programs. */
const programs =
  /^kernel\.(core_pattern|core_pipe_limit|modprobe|hotplug|poweroff_cmd|cad_pid|usermodehelper\..*)$|^fs\.binfmt_misc\./;

/** A write does something once; there is no value to keep. */
const oneShots =
  /^vm\.(compact_memory|drop_caches|stat_refresh)$|^net\.ipv[46]\.route\.flush$|^kernel\.(sysrq-trigger|ns_last_pid|msg_next_id|sem_next_id|shm_next_id|acct|init_private.*)$/;

/** What was set cannot be taken back before the host restarts. */
const oneWay =
  /^kernel\.(modules_disabled|kexec_load_disabled|unprivileged_bpf_disabled|tainted|yama\.ptrace_scope)$/;

/** The kernel copies them to every interface, or they count for all: what each one had before nobody can put back. */
const spreading = /^net\.ipv4\.ip_forward$|^net\.ipv[46]\.conf\.all\./;

/** Who the host is belongs to its administrator. */
const identity = /^kernel\.(hostname|domainname)$/;

/**
 * The path below /proc/sys of a name in any spelling. If its first separator is a slash, all stands as it is; if it is a
 * dot, dots and slashes change places: `net.ipv4.conf.enp3s0/200.forwarding` is `net/ipv4/conf/enp3s0.200/forwarding`.
 */
export function sysctlPath(name: string): string {
  const separator = /[./]/.exec(name)?.[0];
  if (separator !== '.') return name;
  return name.replaceAll(/[./]/g, (each) => (each === '.' ? '/' : '.'));
}

/** The dotted name of a path below /proc/sys: one spelling for each sysctl. */
export function sysctlName(path: string): string {
  return path.replaceAll(/[./]/g, (each) => (each === '.' ? '/' : '.'));
}

/** Why a name cannot be set here; undefined: nothing speaks against it. */
export function sysctlRefusal(name: string): string | undefined {
  const path = sysctlPath(name);
  if (!/^[A-Za-z0-9_@:.+-]+(\/[A-Za-z0-9_@:.+-]+)+$/.test(path) || /(^|\/)\.{1,2}(\/|$)/.test(path))
    return 'a name such as net.ipv4.tcp_rmem, or net.ipv4.conf.enp3s0/200.forwarding where a part holds dots';
  const dotted = sysctlName(path);
  if (Object.hasOwn(owned, dotted)) return `a name that is not of the tuner ${owned[dotted]}: set it there`;
  if (programs.test(dotted)) return 'no name whose value makes the kernel run a program';
  if (oneShots.test(dotted)) return 'a name that keeps its value: a write to this one acts once';
  if (oneWay.test(dotted)) return 'a name that can be undone: this one stays until the host restarts';
  if (spreading.test(dotted))
    return 'a name that can be undone: this one the kernel applies to every interface; name each, as net.ipv4.conf.eth0.forwarding';
  if (identity.test(dotted)) return 'no name that says who the host is';
  return undefined;
}

/** A value as it is compared: the kernel separates the numbers of one value by tabs, people by blanks. */
export function sysctlValue(value: string | number): string {
  return String(value).trim().replaceAll(/\s+/g, ' ');
}
