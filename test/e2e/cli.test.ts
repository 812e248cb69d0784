/** The command line against a control plane with canned answers: golden output of every command in every form. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { commands } from '../../controlplane/cli/commands/index.js';
import { outputFormats } from '../../proto/output/formats.js';
import { startCannedControlPlane } from '../support/canned-control-plane.js';
import { cannedNowMs } from '../support/canned-messages.js';
import { runDrover, type RunConditions } from '../support/cli-run.js';
import { makeAuthority, writeContext } from '../support/throw-away-authority.js';

// Two hundred command lines, on a machine that may be busy.
t.setTimeout(120_000);

/** DROVER_UPDATE_GOLDEN=1 writes the golden files and the examples of docs/reference/cli.md anew. */
const update = process.env['DROVER_UPDATE_GOLDEN'] === '1';
const root = fileURLToPath(new URL('../../../', import.meta.url));
const golden = join(root, 'test/e2e/golden');

const profileYaml = `name: density
description: Many small domains
priority: 10
selector:
  hosts: ['kvm-*']
tuners:
  ksm:
    run: 'on'
    pages_to_scan: 800
`;

const growthYaml = `changes:
  - add_hosts: { count: 4, like_host: kvm-01 }
  - overcommit:
      hosts: { aggregate: dense }
      cpu_allocation_ratio: 6
  - settings: { host_subset_size: 3 }
placements:
  - flavor: m1.large
    count: 60
    scheduler_hints: { different_host: [one, two] }
`;

/** Golden file to the command line in it. */
const cases: Record<string, string> = {
  'host-list': 'host list',
  'host-list-zone': 'host list --zone rack-a',
  'host-list-empty': 'host list --zone nowhere',
  'host-show': 'host show kvm-01',
  'host-show-bare': 'host show kvm-03.example.org',
  'host-show-missing': 'host show missing',
  'host-update': 'host update kvm-01 --cpu-allocation-ratio 4 --label rack=a7',
  'host-drain': 'host drain kvm-01 --reason kernel',
  'host-drain-refused': 'host drain kvm-02',
  'host-drain-noop': 'host drain kvm-02 --noop',
  'host-maintenance': 'host maintenance kvm-01 --guests stop --noop',
  'host-maintenance-leave': 'host maintenance kvm-01 --guests leave --reason kernel',
  'host-maintenance-wait': 'host maintenance kvm-04 --guests stop --reason kernel --wait',
  'host-resume': 'host resume kvm-01',
  'host-resume-wait': 'host resume kvm-04 --wait',
  'host-resume-failed': 'host resume kvm-05 --wait',
  'host-delete': 'host delete kvm-02',
  'domain-list': 'domain list --host kvm-01',
  place: 'place --vcpus 4 --memory 8GiB --disk 20GiB',
  'place-none': 'place --vcpus 64 --memory 8GiB',
  'place-explain': 'place --vcpus 4 --memory 8GiB --explain',
  'place-explain-none': 'place --vcpus 64 --memory 8GiB --explain',
  'place-claim': 'place --vcpus 4 --memory 8GiB --extra-spec hw:cpu_policy=dedicated --claim --key vm-17',
  'place-claim-none': 'place --vcpus 64 --memory 8GiB --claim',
  'place-flavor': 'place --flavor m1.small --group web --alternates 1 --seed 7',
  simulate: 'simulate --ratio cpu=6 --flavor m1.small --count 100',
  'simulate-file': 'simulate growth.yaml --drain-zone rack-a',
  move: 'move 0192f3a1-7c44-7000-8000-00000000a001 --to kvm-02',
  'flavor-list': 'flavor list',
  'flavor-show': 'flavor show m1.large',
  'flavor-show-missing': 'flavor show m1.larg',
  'flavor-set': 'flavor set m1.small --extra-spec hw:cpu_policy=dedicated',
  'flavor-delete': 'flavor delete m1.small',
  'aggregate-list': 'aggregate list',
  'aggregate-show': 'aggregate show rack-a',
  'aggregate-create': 'aggregate create fast --metadata ssd=true --host kvm-01',
  'aggregate-set': 'aggregate set dense --metadata cpu_allocation_ratio=6.0 --unset ram_weight_multiplier',
  'aggregate-add-host': 'aggregate add-host dense kvm-02',
  'aggregate-remove-host': 'aggregate remove-host rack-a kvm-02',
  'aggregate-delete': 'aggregate delete dense',
  'group-list': 'group list',
  'group-show': 'group show web',
  'group-create': 'group create web --policy anti-affinity --project shop',
  'group-delete': 'group delete web',
  'zone-list': 'zone list',
  'settings-list': 'settings list',
  'settings-list-changed': 'settings list --changed',
  'settings-show': 'settings show host_subset_size',
  'settings-set': 'settings set host_subset_size 3',
  'settings-unset': 'settings unset enabled_filters',
  'allocation-list': 'allocation list',
  'allocation-delete': 'allocation delete 0192f3a1-7c44-7000-8000-00000000a001',
  'profile-apply': 'profile apply density.yaml',
  'profile-apply-noop': 'profile apply density.yaml --noop',
  'profile-list': 'profile list',
  'profile-show': 'profile show density',
  'profile-withdraw': 'profile withdraw density',
  'operation-start': 'operation start plan kvm-01',
  'operation-start-failing': 'operation start verify failing',
  'operation-list': 'operation list',
  'health-list': 'health list',
  'health-list-not-ok': 'health list --not-ok',
  'token-create': 'token create',
  'explain-tuner': 'explain tuner disk-cache',
  'explain-tuner-list': 'explain tuner',
  'completion-bash': 'completion bash',
  'completion-zsh': 'completion zsh',
  'completion-fish': 'completion fish',
};

/** What a terminal shows of a run. */
async function shown(line: string, conditions: RunConditions): Promise<string> {
  const { exit, stdout, stderr } = await runDrover(line.split(' '), conditions);
  return `$ drover ${line}\n${stdout}${stderr}${exit === 0 ? '' : `[exit ${exit}]\n`}`;
}

function leaves(): string[] {
  return commands.flatMap((command) =>
    'commands' in command ? command.commands.map((leaf) => `${command.name} ${leaf.name}`) : [command.name],
  );
}

t.test('golden output', async (t) => {
  const folder = t.testdir({ 'density.yaml': profileYaml, 'growth.yaml': growthYaml, other: {} });
  const authority = await makeAuthority('test authority');
  const server = await startCannedControlPlane(authority.certificate, await authority.issue('control-plane'));
  t.teardown(() => server.close());
  const client = await authority.issue('operator');
  const context = writeContext(folder, server.address, authority.certificate, client);
  const conditions = { cwd: folder, env: { DROVER_CONTEXT: context } };
  const tables = new Map<string, string>();

  await t.test('every command, every form', async (t) => {
    mkdirSync(golden, { recursive: true });
    for (const [name, line] of Object.entries(cases)) {
      const lines = outputFormats.map((format) => (format === 'table' ? line : `${line} --output ${format}`));
      const runs: string[] = [];
      // Two that wait for the same host would each see half of its looks.
      if (line.includes('--wait')) for (const one of lines) runs.push(await shown(one, conditions));
      else runs.push(...(await Promise.all(lines.map((one) => shown(one, conditions)))));
      tables.set(line, runs[0] as string);
      const file = join(golden, `${name}.txt`);
      const text = runs.join('\n');
      if (update) writeFileSync(file, text);
      t.equal(text, existsSync(file) ? readFileSync(file, 'utf8') : '', name);
    }
  });

  await t.test('every leaf command has a case', async (t) => {
    for (const leaf of leaves())
      t.ok(
        Object.values(cases).some((line) => `${line} `.startsWith(`${leaf} `)),
        leaf,
      );
  });

  await t.test('the messages of json are the requests and answers of the wire', async (t) => {
    const { stdout } = await runDrover(['host', 'list', '-o', 'json'], conditions);
    const {
      hosts,
      total,
      next_page_token: next,
    } = JSON.parse(stdout) as {
      hosts: { name: string; labels: object }[];
      total: number;
      next_page_token: string;
    };
    t.same(
      [hosts.map((host) => host.name), total, next],
      [['kvm-01', 'kvm-02', 'kvm-03.example.org'], 3, ''],
    );
    t.same(hosts[0]?.labels, { rack: 'a7', 'example.org/fooBar': 'yes' }, 'keys of maps stay as they are');
  });

  await t.test('options reach the control plane', async (t) => {
    const place =
      'place --vcpus 4 --memory 8GiB --disk 20GiB --swap-mb 512 --zone rack-a --alternates 0 --extra-spec a=b --extra-spec hw:x=1=2';
    const table: [line: string, method: string, request: Record<string, unknown>][] = [
      [
        place,
        'Placement.SelectDestinations',
        {
          alternates: 0,
          request: {
            vcpus: 4,
            memoryMb: 8192,
            rootGb: 20,
            ephemeralGb: 0,
            swapMb: 512,
            availabilityZone: 'rack-a',
            instanceUuid: '',
            extraSpecs: { a: 'b', 'hw:x': '1=2' },
          },
        },
      ],
      [
        'place --flavor m1.small --image img --image-property hw_architecture=aarch64 --hint same_host=a --hint same_host=b --group web --project shop --ignore-host x --force-host y --boot-from-volume --seed 9',
        'Placement.SelectDestinations',
        {
          alternates: 2,
          seed: 9,
          request: {
            flavor: 'm1.small',
            vcpus: 0,
            memoryMb: 0,
            image: { id: 'img', properties: { hw_architecture: 'aarch64' } },
            schedulerHints: { same_host: { values: ['a', 'b'] } },
            serverGroup: 'web',
            projectId: 'shop',
            ignoreHosts: ['x'],
            forceHosts: ['y'],
            bootsFromVolume: true,
          },
        },
      ],
      [
        'move a1 --reason heat --key k',
        'Placement.Move',
        { allocationId: 'a1', host: '', reason: 'heat', idempotencyKey: 'k' },
      ],
      [
        'simulate growth.yaml --drain-zone rack-a --drain-host kvm-01 --drain-aggregate dense --setting max_attempts=5 --seed 4 --vcpus 1 --memory 1GiB --zone rack-b',
        'Placement.Simulate',
        {
          seed: 4,
          changes: [
            { addHosts: { count: 4, likeHost: 'kvm-01' } },
            { overcommit: { hosts: { aggregate: 'dense' }, cpuAllocationRatio: 6 } },
            { settings: { host_subset_size: '3' } },
            { settings: { max_attempts: '5' } },
            { drain: { availabilityZone: 'rack-a' } },
            { drain: { aggregate: 'dense' } },
            { drain: { hosts: ['kvm-01'] } },
          ],
          placements: [
            {
              count: 60,
              request: { flavor: 'm1.large', schedulerHints: { different_host: { values: ['one', 'two'] } } },
            },
            { count: 1, request: { vcpus: 1, memoryMb: 1024, availabilityZone: 'rack-b' } },
          ],
        },
      ],
      [
        'simulate --ratio cpu=6 --ratio ram=1.5 --ratio-zone rack-a --add-hosts 2 --like kvm-01',
        'Placement.Simulate',
        {
          changes: [
            {
              overcommit: {
                hosts: { availabilityZone: 'rack-a' },
                cpuAllocationRatio: 6,
                ramAllocationRatio: 1.5,
                diskAllocationRatio: 0,
              },
            },
            { addHosts: { count: 2, likeHost: 'kvm-01' } },
          ],
        },
      ],
      [
        'flavor set m1.large --memory 32GiB --swap-mb 0 --unset-spec hw:cpu_policy --extra-spec a=b',
        'Catalog.PutFlavor',
        {
          flavor: {
            name: 'm1.large',
            vcpus: 8,
            memoryMb: 32_768,
            rootGb: 80,
            swapMb: 0,
            extraSpecs: { 'hw:mem_page_size': 'large', a: 'b' },
            updatedUnixMs: cannedNowMs - 90 * 60_000,
          },
        },
      ],
      [
        'flavor set new --vcpus 1 --memory 512MiB --disk 10GiB',
        'Catalog.PutFlavor',
        { flavor: { name: 'new', vcpus: 1, memoryMb: 512, rootGb: 10, updatedUnixMs: 0 } },
      ],
      [
        'aggregate create fast --zone az-1 --metadata ssd=true --host kvm-01 --host kvm-02',
        'Catalog.PutAggregate',
        {
          aggregate: {
            name: 'fast',
            metadata: { availability_zone: 'az-1', ssd: 'true' },
            hosts: ['kvm-01', 'kvm-02'],
            updatedUnixMs: 0,
          },
        },
      ],
      [
        'aggregate add-host dense kvm-01 kvm-02',
        'Catalog.PutAggregate',
        {
          aggregate: {
            name: 'dense',
            hosts: ['kvm-01', 'kvm-02'],
            metadata: { cpu_allocation_ratio: '8.0' },
          },
        },
      ],
      [
        'settings set ram_weight_multiplier -1.0',
        'Catalog.UpdateSchedulerSettings',
        { settings: { ram_weight_multiplier: '-1.0' } },
      ],
      [
        'settings unset host_subset_size',
        'Catalog.UpdateSchedulerSettings',
        { settings: { host_subset_size: '' } },
      ],
      [
        'host set kvm-01 --forced-down',
        'Fleet.UpdateHost',
        { host: 'kvm-01', updateMask: ['forced_down'], forcedDown: true },
      ],
      [
        'host update kvm-01 --lift-forced-down',
        'Fleet.UpdateHost',
        { updateMask: ['forced_down'], forcedDown: false },
      ],
      ['place --vcpus 1 --memory 1.5GiB --claim', 'Placement.Claim', { idempotencyKey: 'fresh-key' }],
      [
        'host update kvm-01 --reserved-host-cpus 4 --label new=1 --unlabel rack',
        'Fleet.UpdateHost',
        {
          host: 'kvm-01',
          updateMask: ['labels.new', 'labels.rack', 'overcommit.reserved_host_cpus'],
          labels: { new: '1' },
          overcommit: { reservedHostCpus: 4 },
        },
      ],
      [
        'host update kvm-01 --reserved-host-memory-mb 0 --cpu-allocation-ratio default',
        'Fleet.UpdateHost',
        {
          updateMask: ['overcommit.cpu_allocation_ratio', 'overcommit.reserved_host_memory_mb'],
          overcommit: { reservedHostMemoryMb: 0, cpuAllocationRatio: undefined },
        },
      ],
      [
        'host update kvm-01 --disable broken --zone b',
        'Fleet.UpdateHost',
        {
          updateMask: ['availability_zone', 'disabled'],
          disabled: true,
          disabledReason: 'broken',
          availabilityZone: 'b',
        },
      ],
      [
        'host drain kvm-01 --reason fan --force',
        'Fleet.MaintainHost',
        { host: 'kvm-01', state: 'drain', reason: 'fan', guests: 'leave', force: true, validateOnly: false },
      ],
      [
        'host maintenance kvm-01 --guests stop --noop',
        'Fleet.MaintainHost',
        { state: 'maintenance', guests: 'stop', force: false, validateOnly: true },
      ],
      ['host resume kvm-01', 'Fleet.ResumeHost', { host: 'kvm-01', guests: 'start' }],
      ['host resume kvm-01 --guests leave', 'Fleet.ResumeHost', { host: 'kvm-01', guests: 'leave' }],
      ['host update kvm-01 --enable', 'Fleet.UpdateHost', { updateMask: ['disabled'], disabled: false }],
      [
        'token create --ttl 60 --host kvm-09',
        'Fleet.CreateJoinToken',
        { ttlSeconds: 60, hostName: 'kvm-09' },
      ],
      [
        'profile apply density.yaml --noop',
        'Tuning.ApplyProfile',
        {
          validateOnly: true,
          profile: {
            name: 'density',
            priority: 10,
            tuners: { ksm: '{"pages_to_scan":800,"run":"on"}' },
            selector: { hosts: ['kvm-*'] },
          },
        },
      ],
      ['profile show density --revision 2', 'Tuning.GetProfile', { name: 'density', revision: 2 }],
      [
        'operation start plan kvm-01 --profile density.yaml --deadline 7 --detach',
        'Operations.StartOperation',
        {
          kind: 'plan',
          host: 'kvm-01',
          deadlineSeconds: 7,
          tuners: { ksm: '{"pages_to_scan":800,"run":"on"}' },
        },
      ],
      ['allocation list --host kvm-01', 'Placement.ListAllocations', { host: 'kvm-01' }],
      ['health list --not-ok --host kvm-01', 'Health.ListConditions', { host: 'kvm-01', onlyNotOk: true }],
    ];
    for (const [line, method, request] of table) {
      server.requests.length = 0;
      await runDrover(line.split(' '), conditions);
      t.match(server.requests.findLast((one) => one.method === method)?.request, request, line);
    }
  });

  await t.test('wrong usage names what is wrong and ends with 64', async (t) => {
    const table: [line: string, said: RegExp][] = [
      ['hots', /unknown command 'hots'\n\(Did you mean host\?\)/],
      ['host lst', /unknown command 'lst'\n\(Did you mean list\?\)/],
      ['host list --zoen x', /unknown option '--zoen'\n\(Did you mean --zone\?\)/],
      ['host list --output xml', /'xml' is invalid\. Allowed choices are table, json, yaml/],
      ['host show', /missing required argument 'host'/],
      ['host', /Usage: drover host/],
      ['', /Usage: drover/],
      ['explain tuner cpu-qso', /cpu-qso is not known; did you mean cpu-qos\?/],
      ['explain tuner pinning', /pinning is not known; did you mean vcpu-pinning\?/],
      [
        'explain tuner zzzzzz',
        /zzzzzz is not known \(invalid-argument\)\n  try: one of qos-classes, owners, /,
      ],
      ['operation start burn kvm-01', /Allowed choices are plan, verify/],
      ['place --vcpus 4', /--memory: got "nothing"/],
      ['place --flavor a --vcpus 4', /cannot be used with option/],
      ['place --flavor a --seed 0', /--seed: got "0"; want a whole number from 1/],
      ['place --flavor a --hint x', /--hint: got "x"; want KEY=VALUE/],
      ['place --flavor a --image-property x', /--image-property: got "x"; want KEY=VALUE/],
      ['simulate', /options: got "nothing"; want a file/],
      ['simulate --ratio gpu=2', /--ratio: got "gpu"; want cpu, ram or disk/],
      ['simulate --ratio cpu=NaN', /--ratio: got "NaN"; want a number above 0/],
      ['simulate --ratio-zone a --flavor b', /--ratio: got "nothing"/],
      ['simulate --add-hosts 4', /--like: got "nothing"/],
      ['simulate --add-hosts 20000 --like a', /--add-hosts: got "20000"/],
      ['simulate --like a', /--add-hosts: got "nothing"/],
      ['simulate --count 4 --drain-zone a', /--flavor: got "nothing"; want what to place/],
      ['simulate --vcpus 4', /--memory: got ""/],
      ['simulate density.yaml', /density\.yaml: .*name/],
      ['flavor set new --vcpus 1', /--memory: got "nothing"; want .*there is no such flavor yet/],
      ['flavor set m1.large --vcpus x', /--vcpus: got "x"/],
      ['aggregate set rack-a', /want --zone, --metadata or --unset/],
      ['aggregate create a --zone x --metadata availability_zone=y', /--zone: got "x"; want a zone once/],
      ['aggregate add-host rack-a', /missing required argument 'hosts'/],
      ['group create a', /--policy: got "nothing"; want one of affinity/],
      ['settings set a', /missing required argument 'value'/],
      ['host update kvm-01 --forced-down --lift-forced-down', /cannot be used with option/],
      ['place --vcpus 4 --memory abc', /--memory: got "abc"; want a size with its unit/],
      ['place --vcpus 4 --memory 2048', /--memory: got "2048"; want a size with its unit/],
      ['place --vcpus 4 --memory 1.5KiB', /--memory: got "1.5KiB"; want whole MiB/],
      ['place --vcpus 0 --memory 1GiB', /--vcpus: got "0"; want a whole number from 1/],
      ['place --vcpus 4 --memory 1GiB --extra-spec x', /--extra-spec: got "x"; want KEY=VALUE/],
      ['place --vcpus 4 --memory 1GiB --extra-spec x=1 --extra-spec x=2', /each key once; x is given/],
      ['place --vcpus 4 --memory 1GiB --claim --explain', /cannot be used with option/],
      ['place --vcpus 4 --memory 1GiB --key k', /--key: got "k"; want --claim/],
      [
        'place --vcpus 4 --memory 1GiB --alternates 101',
        /--alternates: got "101"; want a whole number from 0 to 100/,
      ],
      ['host maintenance kvm-01', /--guests: got "nothing"; want stop or leave/],
      ['host maintenance kvm-01 --guests kill', /--guests: got "kill"/],
      ['host update kvm-01', /nothing to change/],
      [
        'host update kvm-01 --cpu-allocation-ratio 0',
        /--cpu-allocation-ratio: got "0"; want a number above 0/,
      ],
      ['host update kvm-01 --enable --disable x', /cannot be used with option/],
      ['token create --ttl 0', /--ttl: got "0"/],
      ['token create --host UPPER', /--host: got "UPPER"/],
      ['host list --timeout never', /--timeout: got "never"; want seconds/],
      ['host list --context absent.json', /--context: got ".*absent\.json"; want a context file that exists/],
    ];
    for (const [line, said] of table) {
      const { exit, stdout, stderr } = await runDrover(line === '' ? [] : line.split(' '), conditions);
      t.match(stderr, said, `drover ${line}`);
      t.same([exit, stdout], [64, ''], `drover ${line}: exit code and empty stdout`);
    }
  });

  await t.test('exit codes', async (t) => {
    const table: [line: string, exit: number][] = [
      ['host list', 0],
      ['--help', 0],
      ['host show --help', 0],
      ['--version', 0],
      ['host show missing', 3],
      ['host show broken', 1],
      ['host show silent --timeout 0.3', 5],
      ['place --vcpus 64 --memory 1GiB', 1],
      ['simulate --flavor m1.small', 1],
      ['flavor show nothing', 3],
      ['aggregate show nothing', 3],
      ['aggregate create dense', 1],
      ['aggregate remove-host rack-a kvm-09', 3],
      ['group show nothing', 3],
      ['settings show host_subset_sise', 3],
      ['simulate absent.yaml', 3],
      ['host drain kvm-02', 1],
      ['host drain kvm-02 --noop', 1],
      ['host drain kvm-01 --noop', 2],
      ['host maintenance kvm-04 --guests stop --wait', 0],
      ['host resume kvm-04 --wait', 0],
      ['host resume kvm-05 --wait', 1],
      ['host resume kvm-01 --guests stop', 64],
      ['profile apply absent.yaml', 3],
      ['profile apply density.yaml --noop', 2],
      ['operation start plan kvm-01', 2],
      ['operation start plan failing', 1],
      ['operation start plan kvm-01 --detach', 0],
    ];
    for (const [line, wanted] of table)
      t.equal((await runDrover(line.split(' '), conditions)).exit, wanted, `drover ${line}`);
  });

  await t.test('an operation that never ends is given up after its deadline', async (t) => {
    let now = 0;
    const { exit, stderr } = await runDrover('operation start plan stuck --deadline 1'.split(' '), {
      ...conditions,
      now: () => (now += 500),
    });
    t.match(stderr, /has not ended/);
    t.equal(exit, 5);
    t.ok(
      server.requests.filter(
        ({ method, request }) => method === 'Operations.GetOperation' && request['id'] === 'stuck',
      ).length > 3,
    );
  });

  await t.test('guests that are never stopped are waited for no longer than two hours', async (t) => {
    let now = 0;
    const { exit, stderr } = await runDrover('host maintenance kvm-04 --guests stop --wait'.split(' '), {
      ...conditions,
      now: () => (now += 8_000_000),
    });
    t.match(stderr, /wave 1 of 2: 0 of 2 stopped.*the stop of the guests of kvm-04 has not ended/s);
    t.equal(exit, 5);
  });

  await t.test('errors as json and yaml', async (t) => {
    const json = await runDrover('host show missing -o json'.split(' '), conditions);
    t.same(JSON.parse(json.stderr), {
      error: {
        code: 'not-found',
        message: 'host missing is not known',
        field: 'host',
        value: 'missing',
        cure: 'see drover host list',
        retryable: false,
      },
    });
    t.match(
      (await runDrover('host show missing -o yaml'.split(' '), conditions)).stderr,
      /^error:\n {2}code: not-found\n/,
    );
  });

  await t.test('who is there, and with which certificate', async (t) => {
    const stranger = await makeAuthority('another authority');
    const folders = t.testdir({ authority: {}, client: {}, gone: {}, pem: {}, key: {} });
    const own = (name: string, address: string, certificate: string, pem: typeof client) =>
      writeContext(join(folders, name), address, certificate, pem);
    const table: [context: string, exit: number, said: RegExp][] = [
      [
        own('authority', server.address, stranger.certificate, client),
        4,
        /no TLS connection to the control plane at 127\.0\.0\.1:\d+: .*certificate/,
      ],
      [
        own('client', server.address, authority.certificate, await stranger.issue('operator')),
        4,
        /no TLS connection to the control plane at 127\.0\.0\.1/,
      ],
      [
        own('gone', '127.0.0.1:1', authority.certificate, client),
        5,
        /the control plane is not there: 127\.0\.0\.1:1: .*ECONNREFUSED/,
      ],
      [
        own('pem', server.address, 'no PEM', client),
        64,
        /authority\.pem: got "no PEM of this kind"; want a PEM file with a CERTIFICATE/,
      ],
      [
        own('key', server.address, authority.certificate, {
          ...client,
          key: (await authority.issue('operator')).key,
        }),
        64,
        /certificate files cannot be used/,
      ],
    ];
    for (const [context, exit, said] of table) {
      const ran = await runDrover(['host', 'list'], { env: { DROVER_CONTEXT: context } });
      t.match(ran.stderr, said, context);
      t.equal(ran.exit, exit, context);
    }
  });

  await t.test('a claim without an answer says how to repeat it; a list that was cut says so', async (t) => {
    const gone = writeContext(join(folder, 'other'), '127.0.0.1:1', authority.certificate, client);
    const claim = 'place --vcpus 1 --memory 1GiB --claim'.split(' ');
    const lost = await runDrover(claim, { env: { DROVER_CONTEXT: gone } });
    t.match(lost.stderr, /not there.*\n.*repeat the command with --key fresh-key/);
    const silent = 'place --vcpus 31 --memory 1GiB --claim --timeout 0.3 -o json'.split(' ');
    const late = await runDrover(silent, conditions);
    t.match(JSON.parse(late.stderr), {
      error: { code: 'deadline-exceeded', cure: /^repeat the command with --key fresh-key/ },
    });
    t.same([lost.exit, late.exit], [5, 5]);
    const cut = await runDrover('health list --host many'.split(' '), conditions);
    t.match(cut.stderr, /of 60000 conditions: narrow them down/);
  });

  await t.test("on a terminal: fits its width, and colour is the reader's choice", async (t) => {
    const narrow = await runDrover(['domain', 'list'], {
      ...conditions,
      columns: 80,
      env: { ...conditions.env, NO_COLOR: '1' },
    });
    t.notMatch(narrow.stdout, /\u001b/, 'NO_COLOR');
    t.match(narrow.stdout, /…/, 'cut');
    const coloured = await runDrover(['host', 'list'], { ...conditions, columns: 200 });
    t.match(coloured.stdout, /\u001b\[32mup\u001b\[39m/, 'colour beside the word');
    t.match(
      (await runDrover(['host', 'list'], { ...conditions, env: { ...conditions.env, FORCE_COLOR: '1' } }))
        .stdout,
      /\u001b/,
      'FORCE_COLOR without a terminal',
    );
  });

  await t.test('docs/reference/cli.md shows each command as it is', async (t) => {
    const file = join(root, 'docs/reference/cli.md');
    const page = readFileSync(file, 'utf8');
    const blocks = /```console\n\$ drover ([^\n]+)\n[\s\S]*?```/g;
    const fresh = page.replaceAll(blocks, (block: string, line: string) =>
      tables.has(line) ? `\`\`\`console\n${tables.get(line)}\`\`\`` : block,
    );
    if (update) writeFileSync(file, fresh);
    t.equal(readFileSync(file, 'utf8'), fresh, 'examples are the golden output');
    const headings = [...page.matchAll(/^### `drover ([^`]+)`$/gm)].map((match) => String(match[1]));
    t.same(headings.toSorted(), leaves().toSorted(), 'a heading for each command');
    for (const leaf of leaves().filter((name) => name !== 'completion'))
      t.match(page, new RegExp(`\\$ drover ${leaf}[ \\n]`), `an example of ${leaf}`);
  });
});
