/**
 * Who made the machine, from the systeminformation package. It starts shells (dmidecode and the like), so this is asked
 * once when the agent starts and its answer is handed to `gatherFacts`; nothing that repeats may call it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import systeminformation from 'systeminformation';

type Answer = Record<string, unknown>;

/** The part of systeminformation that is asked; a test hands in another. */
export interface InventorySource {
  system(): Promise<unknown>;
  baseboard(): Promise<unknown>;
  chassis(): Promise<unknown>;
  bios(): Promise<unknown>;
}

export interface Inventory {
  /** manufacturer, model, serial, …; only what the machine says. */
  readonly inventory: Record<string, string>;
  readonly warnings: string[];
}

/** Key in the inventory, and where it stands in the answer. */
const fields = {
  system: {
    manufacturer: 'manufacturer',
    model: 'model',
    version: 'version',
    serial: 'serial',
    uuid: 'uuid',
    sku: 'sku',
  },
  baseboard: { board_manufacturer: 'manufacturer', board_model: 'model', board_serial: 'serial' },
  chassis: { chassis_type: 'type', chassis_serial: 'serial', asset_tag: 'assetTag' },
  bios: { bios_vendor: 'vendor', bios_version: 'version', bios_date: 'releaseDate' },
} as const;

type Section = keyof typeof fields;

/**
 * Asks the four sections together and takes those that answer within the deadline; another is a warning, never an error
 * and never a wait. What the firmware fills with `-` or a blank is left out. Serials need root.
 */
export async function readInventory(
  deadlineMs = 10_000,
  source: InventorySource = systeminformation,
): Promise<Inventory> {
  const deadline = new AbortController();
  const late = sleep(deadlineMs, 'late' as const, { signal: deadline.signal });
  // The timer is called off below; that rejection is nobody's concern.
  late.catch(() => undefined);
  const sections = Object.keys(fields) as Section[];
  const parts = await Promise.all(sections.map((section) => ask(section, source, late, deadlineMs)));
  deadline.abort();
  return {
    inventory: Object.assign({}, ...parts.map((part) => part.inventory)) as Record<string, string>,
    warnings: parts.flatMap((part) => part.warnings),
  };
}

async function ask(
  section: Section,
  source: InventorySource,
  late: Promise<'late'>,
  deadlineMs: number,
): Promise<Inventory> {
  try {
    const answer = await Promise.race([source[section](), late]);
    if (answer === 'late')
      return { inventory: {}, warnings: [`inventory ${section}: no answer in ${deadlineMs} ms`] };
    return { inventory: pick(section, answer as Answer), warnings: [] };
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    return { inventory: {}, warnings: [`inventory ${section}: ${reason}`] };
  }
}

function pick(section: Section, answer: Answer): Record<string, string> {
  const picked = Object.entries(fields[section]).flatMap(([key, field]) => {
    const value = answer[field];
    const text = typeof value === 'string' ? value.trim() : '';
    return text === '' || text === '-' ? [] : [[key, text] as const];
  });
  return Object.fromEntries(picked);
}
