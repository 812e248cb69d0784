/**
 * Opens and closes hypervisors of libvirt's test driver, four at a time, as many rounds as the first argument says, and prints
 * the slowest close in ms. A libvirt thread that never returns keeps this process from ending.
 */
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';

const together = 4;
let slowestMs = 0;
for (let round = 0; round < Number(process.argv[2]); round++) {
  const opened = await Promise.all(
    Array.from({ length: together }, () => openHypervisor({ uri: 'test:///default', pidDirectory: '/run' })),
  );
  await Promise.all(opened.map((hypervisor) => hypervisor.domains()));
  for (const hypervisor of opened) {
    const began = performance.now();
    await hypervisor.close();
    slowestMs = Math.max(slowestMs, performance.now() - began);
  }
}
process.stdout.write(String(slowestMs));
