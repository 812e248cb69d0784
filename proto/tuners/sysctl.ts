/** Any sysctl by name. Kernel: Documentation/admin-guide/sysctl. */
import { z } from 'zod';
import { common } from './common.js';
import { sysctlPath, sysctlRefusal, sysctlValue } from './sysctl-names.js';

/** Most sysctls in one profile. */
export const maximumSysctls = 256;

const value = z.union([z.int(), z.string().max(4096)], { error: 'a whole number or text' });

export const sysctl = z.strictObject({
  settings: z
    .record(z.string().max(256), value)
    .superRefine((settings, context) => {
      const refuse = (name: string, message: string): void =>
        context.addIssue({ code: 'custom', path: [name], message });
      const spellings = new Map<string, string>();
      for (const [name, wanted] of Object.entries(settings)) {
        const refusal = sysctlRefusal(name);
        const path = sysctlPath(name);
        const twin = spellings.get(path);
        spellings.set(path, name);
        if (refusal !== undefined) refuse(name, refusal);
        else if (twin !== undefined) refuse(name, `one spelling: ${twin} is the same sysctl`);
        else if (sysctlValue(wanted) === '') refuse(name, 'a value that is not empty');
      }
    })
    .refine((settings) => Object.keys(settings).length <= maximumSysctls, {
      error: `at most ${maximumSysctls} names`,
    })
    .describe('name to value; a dot separates the parts, and a slash stands for a dot in one (sysctl.d(5))'),
  ...common('sysctl'),
});

export type SysctlSettings = z.infer<typeof sysctl>;
