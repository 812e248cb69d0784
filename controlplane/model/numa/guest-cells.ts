/** The cells of a virtual machine: `hw:numa_nodes`, `hw:numa_cpus.N`, `hw:numa_mem.N`. Nova `virt/hardware.py`. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import { parseCpuSpec } from './cpu-spec.js';
import { specField } from './guest-policies.js';
import { byCell, imageField, type NumaImage, wholeText } from './numa-image.js';
import { isIntLike } from './oslo-text.js';

type Specs = Readonly<Record<string, string>>;

/** vCPUs and MiB of one guest cell. */
export interface CellShape {
  readonly vcpus: readonly number[];
  readonly memoryMb: number;
}

/** How many cells are asked for; 0: not asked. Errors: `invalid-argument` for what is no number from 1, or asked for twice. */
export function cellCountOf(specs: Specs, image: NumaImage): number {
  const ofFlavor = specs['hw:numa_nodes'] || undefined;
  const ofImage = image.numaNodes;
  if (ofFlavor !== undefined && ofImage)
    throw invalid(imageField('hw_numa_nodes'), ofImage, 'none beside hw:numa_nodes of the flavor');
  if (ofFlavor === undefined && ofImage === undefined) return 0;
  const [field, value] =
    ofFlavor === undefined
      ? [imageField('hw_numa_nodes'), String(ofImage)]
      : [specField('hw:numa_nodes'), ofFlavor];
  if (!isIntLike(value) || Number(value) < 1) throw invalid(field, value, 'a whole number of cells from 1');
  return Number(value);
}

/** Lists by cell, of the flavor or of the image. */
function listOf<Value>(
  ofFlavor: readonly Value[] | undefined,
  ofImage: readonly Value[] | undefined,
  name: string,
): readonly Value[] | undefined {
  if (ofFlavor && ofImage) throw invalid(imageField(`${name}.0`), 'a list', 'none beside that of the flavor');
  return ofFlavor ?? ofImage;
}

/**
 * The cells, in order: those that flavor or image describe, or `count` equal ones. Errors: `invalid-argument` for vCPUs or
 * memory that do not divide, for descriptions that leave a cell, a vCPU or memory out or name it twice.
 */
export function cellShapes(
  count: number,
  { vcpus, memoryMb }: { readonly vcpus: number; readonly memoryMb: number },
  specs: Specs,
  image: NumaImage,
): CellShape[] {
  const cpus = listOf<readonly number[]>(
    byCell(specs, 'hw:numa_cpus', parseCpuSpec, specField),
    image.cellVcpus,
    'hw_numa_cpus',
  );
  const memory = listOf(
    byCell(specs, 'hw:numa_mem', wholeText, specField),
    image.cellMemoryMb,
    'hw_numa_mem',
  );
  if (!cpus && !memory) return equalCells(count, vcpus, memoryMb);
  if (!cpus || !memory || cpus.length !== count || memory.length !== count)
    throw invalid(specField('hw:numa_nodes'), count, 'hw:numa_cpus.N and hw:numa_mem.N for each cell');
  checkVcpus(cpus, vcpus);
  const total = memory.reduce((sum, part) => sum + part, 0);
  if (total !== memoryMb) throw invalid(specField('hw:numa_mem'), total, `${memoryMb} MiB over all cells`);
  return cpus.map((list, cell) => ({ vcpus: list, memoryMb: memory[cell] as number }));
}

function equalCells(count: number, vcpus: number, memoryMb: number): CellShape[] {
  if (vcpus % count > 0 || memoryMb % count > 0)
    throw invalid(specField('hw:numa_nodes'), count, `a divisor of ${vcpus} vCPUs and of ${memoryMb} MiB`);
  const each = vcpus / count;
  return Array.from({ length: count }, (_, cell) => ({
    vcpus: Array.from({ length: each }, (__, index) => cell * each + index),
    memoryMb: memoryMb / count,
  }));
}

function checkVcpus(cells: readonly (readonly number[])[], vcpus: number): void {
  const given = cells.flat();
  const isEach = given.length === vcpus && new Set(given).size === vcpus;
  if (isEach && given.every((vcpu) => vcpu < vcpus)) return;
  throw invalid(specField('hw:numa_cpus'), given.join(','), `each of the vCPUs 0-${vcpus - 1} in one cell`);
}
