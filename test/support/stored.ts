/** What a store holds, as a list to look at. */
import type { Records, Store, StoredRecord } from '../../controlplane/store/store.js';

/** Every record now, by key. */
export async function stored(store: Store): Promise<{ revision: number; records: StoredRecord[] }> {
  const snapshot = await store.load();
  try {
    return { revision: snapshot.revision, records: [...snapshot.under('')] };
  } finally {
    snapshot.close();
  }
}

/** A list of records, by key, as a view takes it over. */
export function asRecords(list: readonly StoredRecord[]): Records {
  return { under: (prefix) => list.filter(({ key }) => key.startsWith(prefix)) };
}
