/** Transparent huge pages (Documentation/admin-guide/mm/transhuge.rst). */
import type { Fact } from './fact.js';
import { readSettings } from './settings-directory.js';

const directory = 'sys/kernel/mm/transparent_hugepage';
const counters = /^(full_scans|pages_collapsed)$/;

/** `transparent_hugepages`: the setting in force by file, those of khugepaged as `khugepaged/<file>`; empty: none. */
export const transparentHugepages: Fact = {
  name: 'transparent_hugepages',
  gather({ root }) {
    const daemon = readSettings(root, `${directory}/khugepaged`, (file) => counters.test(file));
    const settings = readSettings(root, directory, () => false);
    for (const [file, value] of Object.entries(daemon)) settings[`khugepaged/${file}`] = value;
    return { transparentHugepages: settings };
  },
};
