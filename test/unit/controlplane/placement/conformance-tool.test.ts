/** `make conformance` as a program: its tally and its exit codes, by which a pipeline knows. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';

const tool = join(import.meta.dirname, '../../../../scripts/conformance.js');

function run(...paths: string[]): { status: number | null; tally: unknown; errors: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [tool, ...paths], { encoding: 'utf8' });
  return { status, tally: stdout === '' ? undefined : JSON.parse(stdout), errors: stderr };
}

/** Eight pCPUs at 4.0 are 32 vCPUs by Placement's rule; `capacity` is what a case says of them. */
function line(id: string, capacity: number): string {
  const inventory = { VCPU: { total: 8, allocation_ratio: 4 } };
  const request = { resources: { VCPU: 1 } };
  const summary = { VCPU: { capacity, used: 31 } };
  const expect = { inventory_status: 200, candidates_status: 200, candidate: true, summary, put_status: 204 };
  return `${JSON.stringify({ id, kind: 'capacity', inventory, used: { VCPU: 31 }, request, expect })}\n`;
}

const rest = { unsupported: 0, ids: [] };

t.test('all agree, of a plain file, a packed one and a folder', async (t) => {
  const folder = t.testdir({
    'a.jsonl': line('a', 32),
    'b.jsonl.gz': gzipSync(line('b', 32)),
    'c.txt': 'no case',
  });
  for (const [paths, cases] of [
    [[join(folder, 'a.jsonl'), join(folder, 'b.jsonl.gz')], 2],
    [[folder], 2],
  ] as const) {
    const { status, tally } = run(...paths);
    t.strictSame({ status, tally }, { status: 0, tally: { cases, agree: cases, disagree: 0, ...rest } });
  }
});

t.test('one differs: it is named, and the end is not 0', async (t) => {
  const folder = t.testdir({ 'a.jsonl': line('right', 32) + line('wrong', 33) });
  const { status, tally, errors } = run(folder);
  t.equal(status, 1);
  t.strictSame(tally, { cases: 2, agree: 1, disagree: 1, unsupported: 0, ids: ['wrong'] });
  t.match(errors, /a\.jsonl: wrong: disagree/);
});

t.test('where nothing can be compared, nothing agrees', async (t) => {
  const folder = t.testdir({ empty: {}, 'bad.jsonl': '{"id":' });
  const none = run(join(folder, 'empty'));
  t.equal(none.status, 64);
  t.match(none.errors, /no case in .*empty: want lines of JSON in \*\.jsonl or \*\.jsonl\.gz/);
  const bad = run(join(folder, 'bad.jsonl'));
  t.equal(bad.status, 64);
  t.match(bad.errors, /bad\.jsonl:1: no JSON: /);
  t.equal(run().status, 64);
});
