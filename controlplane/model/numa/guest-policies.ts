/** How the vCPUs of a virtual machine sit on pCPUs: policies of flavor and image together. Nova `virt/hardware.py`. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import { cpuPolicies, imageField, type NumaImage, threadPolicies } from './numa-image.js';
import { readInteger } from '../python-text.js';

type Specs = Readonly<Record<string, string>>;

/** Field of an extra spec, as errors name it. */
export function specField(name: string): string {
  return `extra_specs.${name}`;
}

/** A policy of the flavor; an empty text counts as none, as in Nova. */
function policyOf(specs: Specs, name: string, choices: readonly string[]): string | null {
  const value = specs[name];
  if (!value) return null;
  if (!choices.includes(value)) throw invalid(specField(name), value, choices.join(', '));
  return value;
}

/** `hw:cpu_policy`, or that of the image: an image may not ask for more dedication than a flavor that says something. */
function cpuPolicyOf(specs: Specs, image: NumaImage): string | null {
  const ofFlavor = policyOf(specs, 'hw:cpu_policy', cpuPolicies);
  const ofImage = image.cpuPolicy ?? null;
  const isMore =
    (ofFlavor === 'mixed' && ofImage === 'dedicated') ||
    (ofFlavor === 'shared' && (ofImage === 'mixed' || ofImage === 'dedicated'));
  if (isMore) throw invalid(imageField('hw_cpu_policy'), ofImage, `none, or ${ofFlavor} as the flavor says`);
  return ofFlavor ?? ofImage;
}

/**
 * `hw:cpu_thread_policy`, or that of the image where the flavor has none; a flavor's `prefer` stands whatever the image says.
 * An empty text of the flavor stays one: it asks nothing, and no topology can carry it.
 */
function threadPolicyOf(specs: Specs, image: NumaImage): string | null {
  const given = specs['hw:cpu_thread_policy'];
  const ofFlavor = policyOf(specs, 'hw:cpu_thread_policy', threadPolicies);
  const ofImage = image.threadPolicy ?? null;
  if (given === undefined) return ofImage;
  if (ofFlavor !== 'prefer' && ofImage !== null && ofImage !== ofFlavor)
    throw invalid(imageField('hw_cpu_thread_policy'), ofImage, `none, or ${given} as the flavor says`);
  return given;
}

/** `hw:emulator_threads_policy`: share or isolate; null: not asked. */
export function emulatorPolicyOf(specs: Specs): string | null {
  return policyOf(specs, 'hw:emulator_threads_policy', ['share', 'isolate']);
}

/** Sum of `resources:NAME` and `resourcesN:NAME`; what is no number is left to others. Keys match by their beginning, as in Nova. */
function asked(specs: Specs, resource: string): number {
  const pattern = new RegExp(`^resources([1-9][0-9]*)?:${resource}`);
  return Object.entries(specs).reduce(
    (sum, [key, value]) => (pattern.test(key) ? sum + (readInteger(value) ?? 0) : sum),
    0,
  );
}

/** The policy that `resources:PCPU` or `resources:VCPU` stands for; null: neither is asked for. */
function policyByResources(specs: Specs, vcpus: number, policy: string | null): string | null {
  const [shared, dedicated] = [asked(specs, 'VCPU'), asked(specs, 'PCPU')];
  if (shared === 0 && dedicated === 0) return null;
  if (policy !== null)
    throw invalid(specField('hw:cpu_policy'), policy, 'no policy beside resources:VCPU or resources:PCPU');
  if (shared !== 0 && dedicated !== 0)
    throw invalid(specField('resources:PCPU'), dedicated, 'resources:VCPU or resources:PCPU, not both');
  const wanted = emulatorPolicyOf(specs) === 'isolate' ? vcpus + 1 : vcpus;
  if (dedicated !== 0 && dedicated !== wanted)
    throw invalid(specField('resources:PCPU'), dedicated, `${wanted} for this flavor of ${vcpus} vCPUs`);
  return dedicated !== 0 ? 'dedicated' : 'shared';
}

/** What the trait HW_CPU_HYPERTHREADING says, the flavor before the image; undefined: nothing. */
function hyperthreadingOf(specs: Specs, image: NumaImage): string | undefined {
  const key = Object.keys(specs).find((name) => /^trait([1-9][0-9]*)?:HW_CPU_HYPERTHREADING/.test(name));
  if (key !== undefined) return specs[key];
  return image.requiredTraits.includes('HW_CPU_HYPERTHREADING') ? 'required' : undefined;
}

/** The trait forbidden means isolate and required means require; any other value asks nothing. */
function threadPolicyByTrait(specs: Specs, image: NumaImage, policy: string | null): string | null {
  const trait = hyperthreadingOf(specs, image);
  if (trait && policy)
    throw invalid(specField('trait:HW_CPU_HYPERTHREADING'), trait, 'no trait beside a thread policy');
  if (trait === 'forbidden') return 'isolate';
  return trait === 'required' ? 'require' : policy;
}

export interface GuestPolicies {
  readonly cpuPolicy: string | null;
  readonly threadPolicy: string | null;
  readonly emulatorThreadsPolicy: string | null;
}

/**
 * The policies of a virtual machine, null where not asked. Errors: `invalid-argument` where Nova's API answers 400: unknown
 * values, flavor and image that contradict each other, threads or an isolated emulator without dedicated CPUs.
 */
export function guestPolicies(specs: Specs, vcpus: number, image: NumaImage): GuestPolicies {
  const named = cpuPolicyOf(specs, image);
  const cpuPolicy = policyByResources(specs, vcpus, named) ?? named;
  const threadPolicy = threadPolicyByTrait(specs, image, threadPolicyOf(specs, image));
  const emulatorThreadsPolicy = emulatorPolicyOf(specs);
  const isFloating = cpuPolicy === null || cpuPolicy === 'shared';
  if (isFloating && threadPolicy)
    throw invalid(
      specField('hw:cpu_thread_policy'),
      threadPolicy,
      'none without hw:cpu_policy dedicated or mixed',
    );
  if (isFloating && emulatorThreadsPolicy === 'isolate')
    throw invalid(
      specField('hw:emulator_threads_policy'),
      'isolate',
      'hw:cpu_policy dedicated or mixed with it',
    );
  return { cpuPolicy, threadPolicy, emulatorThreadsPolicy };
}
