import 'reflect-metadata';
import { createHash, generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import * as x509 from '@peculiar/x509';
import { loadSync } from '@grpc/proto-loader';
import { protoPath } from 'grpc-health-check';
import t from 'tap';
import { unary, identify, open } from '../../controlplane/api/answer.js';
import { enrolHandler, renewHandler, type HostDirectory } from '../../controlplane/api/enrolment.js';
import { startServers } from '../../controlplane/api/server.js';
import { openAuthority } from '../../controlplane/security/authority.js';
import {
  issueCertificate,
  issueWithKey,
  type KeyAndCertificate,
} from '../../controlplane/security/certificates.js';
import { JoinTokens } from '../../controlplane/security/join-tokens.js';
import { serviceRoles, authorise, type Role } from '../../controlplane/security/roles.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../controlplane/store/memory.js';
import { certificatePem, makeKeyAndRequest } from '../../proto/wire/csr.js';
import { DroverError, invalid, type ErrorCode } from '../../proto/wire/errors.js';
import { codec, loadContract, packageDefinition } from '../../proto/wire/load.js';
import { fromServiceError, toServiceError } from '../../proto/wire/remote-error.js';
import { fetchAuthority, fingerprintOf } from '../../proto/wire/trust.js';
import type { EnrolRequestInput } from '../../proto/gen/drover/v1/EnrolRequest.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import { refused } from '../unit/controlplane/store/conformance.js';
import { stored } from '../support/stored.js';

const folder = mkdtempSync(join(tmpdir(), 'drover-tls-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const dayMs = 86_400_000;
let clock = Date.now();
const now = () => clock;
const contract = loadContract();
const authority = await openAuthority(join(folder, 'ca'), now());
const stranger = await openAuthority(join(folder, 'stranger'), now());
const store = new MemoryStore();
const writer = new Writer(store, 0);
const submit = writer.submit.bind(writer);
const tokens = new JoinTokens(await store.load(), submit, authority.fingerprint, now);

const hosts = new Map<string, HostRecord>();
const directory: HostDirectory = {
  find: (name) => hosts.get(name),
  checkJoin: () => undefined,
  async enrol(id, name, make) {
    const bytes = codec('HostRecord').encode({ ...make(hosts.get(name)), id, name });
    await submit([{ key: `host/${id}`, value: bytes }]);
    const record = codec('HostRecord').decode(bytes);
    hosts.set(record.name, record);
    return record;
  },
};

const faults: string[] = [];
const context = {
  now,
  fault: (_id: string, path: string, error: unknown) => void faults.push(`${path} ${String(error)}`),
};
const enrolment = { authority, tokens, directory, sessionAddress: 'localhost:1', defaultZone: 'nova', now };
const answers: Record<string, () => Promise<object>> = {
  good: async () => ({ id: 'h1', name: 'good' }),
  bad: async () => Promise.reject(invalid('host', 'ünïcode ☃', 'an ASCII name')),
  fault: async () => Promise.reject(new Error('the secret inside')),
};
const servers = await startServers({
  authority,
  addresses: ['localhost', '127.0.0.1'],
  apiListen: '127.0.0.1:0',
  enrolmentListen: '127.0.0.1:0',
  apiServices: [
    {
      definition: contract.Fleet.service,
      implementation: {
        UpdateHost: unary(
          'drover.v1.Fleet',
          'UpdateHost',
          (request: { host: string }) => (answers[request.host] as () => Promise<object>)(),
          context,
        ),
        ListHosts: unary('drover.v1.Fleet', 'ListHosts', () => new Promise<object>(() => undefined), context),
      },
    },
    {
      definition: contract.AgentSession.service,
      implementation: {
        RenewCertificate: unary(
          'drover.v1.AgentSession',
          'RenewCertificate',
          renewHandler(enrolment, (id) => [...hosts.values()].some((host) => host.id === id)),
          context,
        ),
        Session: (call: grpc.ServerDuplexStream<{ sequence: number }, object>) => {
          identify(call, '/drover.v1.AgentSession/Session', now());
          call.on('data', (message: { sequence: number }) => call.write({ sequence: message.sequence }));
          call.on('end', () => call.end());
        },
      },
    },
  ],
  enrolmentServices: [
    {
      definition: contract.Enrolment.service,
      implementation: { Enrol: open('/drover.v1.Enrolment/Enrol', enrolHandler(enrolment), context) },
    },
  ],
  renewalFailed: (error) => t.fail(String(error)),
  now,
});
t.teardown(() => servers.shutdown(0));
const apiAddress = `localhost:${servers.apiPort}`;
const enrolmentAddress = `localhost:${servers.enrolmentPort}`;

const clients: grpc.Client[] = [];
t.teardown(() => clients.forEach((client) => client.close()));
type Identity = Pick<KeyAndCertificate, 'keyPem' | 'certificateDer'>;
type Construct<Client> = new (
  address: string,
  credentials: grpc.ChannelCredentials,
  options?: grpc.ChannelOptions,
) => Client;

function clientOf<Client extends grpc.Client>(
  make: Construct<Client>,
  identity?: Identity,
  address = apiAddress,
): Client {
  const pair = identity
    ? [Buffer.from(identity.keyPem), Buffer.from(certificatePem(identity.certificateDer))]
    : [];
  const credentials = grpc.credentials.createSsl(
    Buffer.from(authority.certificatePem),
    ...(pair as [Buffer?, Buffer?]),
  );
  const client = new make(address, credentials, {
    'grpc.use_local_subchannel_pool': 1,
    'grpc.max_send_message_length': -1,
  });
  clients.push(client);
  return client;
}

/** Calls a method by name; the answer, or the failure as a DroverError. */
function call(
  client: grpc.Client,
  method: string,
  request: object,
  deadlineMs = 5_000,
): Promise<Record<string, never>> {
  const run = (client as unknown as Record<string, (...all: unknown[]) => void>)[method] as (
    ...all: unknown[]
  ) => void;
  return new Promise((resolve, reject) => {
    run.call(
      client,
      request,
      { deadline: Date.now() + deadlineMs },
      (error: unknown, answer: Record<string, never>) =>
        error ? reject(fromServiceError(error)) : resolve(answer),
    );
  });
}

const identity = (role: Role, name = 'alice', lifetimeMs = dayMs, by = authority) =>
  issueWithKey(by, { name, role }, { nowMs: now(), lifetimeMs });
const operator = await identity('operator');
const agent = await identity('agent', 'some-host');

t.test('authority: made once, loaded again, private, and damage is named', async (t) => {
  const where = join(folder, 'ca');
  t.equal((await openAuthority(where, now())).fingerprint, authority.fingerprint);
  t.equal(statSync(join(where, 'ca-key.pem')).mode & 0o777, 0o600);
  const years = (Date.parse(new X509Certificate(authority.certificateDer).validTo) - now()) / dayMs / 365.25;
  t.ok(years > 9.9 && years < 10.1, `${years} years`);
  await refused(t, openAuthority(where, now() + 11 * 366 * dayMs), 'storage-corrupt', /it ended on/);
  const other = join(folder, 'damaged');
  await openAuthority(other, now());
  const [key, certificate] = [join(other, 'ca-key.pem'), join(other, 'ca.pem')];
  const original = readFileSync(key);
  chmodSync(key, 0o600);
  for (const [file, text] of [
    [key, 'no key'],
    [key, readFileSync(join(where, 'ca-key.pem'), 'utf8')],
    [key, generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
  ] as const) {
    writeFileSync(file, text);
    await refused(t, openAuthority(other, now()), 'storage-corrupt', /ca-key\.pem: .*backup/);
  }
  writeFileSync(key, original);
  truncateSync(certificate, 100);
  await refused(t, openAuthority(other, now()), 'storage-corrupt', /ca\.pem/);
  rmSync(certificate);
  await refused(t, openAuthority(other, now()), 'storage-corrupt', /ca\.pem/);
});

t.test('certificates: the subject is ours, keys are checked', async (t) => {
  const { requestDer } = await makeKeyAndRequest('root of all evil');
  const life = { nowMs: now(), lifetimeMs: dayMs };
  const issued = await issueCertificate(authority, requestDer, { name: 'h-1', role: 'agent' }, life);
  const made = new X509Certificate(issued.certificateDer);
  t.equal(made.subject, 'CN=h-1\nO=drover:agent');
  t.equal(made.subjectAltName, 'URI:drover://host/h-1');
  t.ok(made.verify(new X509Certificate(authority.certificateDer).publicKey));
  t.ok(Math.abs(Date.parse(made.validTo) - now() - dayMs) < 2000);
  t.ok(Math.abs(now() - Date.parse(made.validFrom) - 300_000) < 2000, 'backdated by 5 minutes');
  t.equal(made.ca, false);
  const server = await issueWithKey(
    authority,
    { name: 'c', role: 'controlplane', addresses: ['a.example', '10.0.0.1'] },
    life,
  );
  t.equal(new X509Certificate(server.certificateDer).subjectAltName, 'DNS:a.example, IP Address:10.0.0.1');
  const forged = Buffer.from(requestDer);
  forged[forged.length - 1] = (forged.at(-1) as number) ^ 1;
  const bad: [Buffer, RegExp][] = [
    [Buffer.alloc(0), /PKCS#10/],
    [Buffer.from('junk'), /PKCS#10/],
    [Buffer.alloc(8193), /8193 bytes/],
    [forged, /./],
  ];
  for (const [der, pattern] of bad)
    await refused(
      t,
      issueCertificate(authority, der, { name: 'x', role: 'agent' }, life),
      'invalid-argument',
      pattern,
    );
});

t.test('certificates: weak and unusual keys are refused, strong ones taken', async (t) => {
  const kinds: [string, object, boolean][] = [
    ['P-521', { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-256' }, false],
    [
      'RSA 2048',
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 2048,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      },
      false,
    ],
    [
      'RSA 3072',
      {
        name: 'RSASSA-PKCS1-v1_5',
        modulusLength: 3072,
        publicExponent: new Uint8Array([1, 0, 1]),
        hash: 'SHA-256',
      },
      true,
    ],
    ['P-384', { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' }, true],
  ];
  for (const [name, algorithm, taken] of kinds) {
    const keys = (await webcrypto.subtle.generateKey(algorithm as { name: string }, true, [
      'sign',
      'verify',
    ])) as webcrypto.CryptoKeyPair;
    const request = await x509.Pkcs10CertificateRequestGenerator.create({
      name: 'CN=x',
      keys: keys as never,
      signingAlgorithm: algorithm as never,
    });
    const issued = issueCertificate(
      authority,
      new Uint8Array(request.rawData),
      { name: 'x', role: 'agent' },
      { nowMs: now(), lifetimeMs: dayMs },
    );
    if (taken) t.ok((await issued).serial, name);
    else await refused(t, issued, 'invalid-argument', /P-256, P-384 or RSA of at least 3072/);
  }
});

t.test('roles: every RPC has a row, and the rest is denied', (t) => {
  for (const [name, entry] of Object.entries(packageDefinition())) {
    if ('format' in entry) continue;
    t.ok(Object.hasOwn(serviceRoles, name), name);
    for (const { path } of Object.values(entry)) {
      const allowed = (['agent', 'operator', 'controlplane'] as const).filter((role) => {
        try {
          return (authorise({ role, name: 'x', serial: '1' }, path), true);
        } catch (error) {
          return (error as DroverError).code !== 'permission-denied';
        }
      });
      t.same(
        allowed,
        name.endsWith('AgentSession') ? ['agent'] : name.endsWith('Enrolment') ? [] : ['operator'],
        path,
      );
    }
  }
  for (const path of ['/x.Y/Z', '/constructor/x', '', '/drover.v1.Fleet2/ListHosts'])
    t.throws(() => authorise({ role: 'operator', name: 'x', serial: '1' }, path), {
      code: 'permission-denied',
    });
  t.end();
});

t.test('errors come back as they were thrown', (t) => {
  const sent = new DroverError('no-valid-host', 'nothing fits ☃', {
    field: 'f'.repeat(5000),
    value: '☃'.repeat(5000),
    cure: 'less',
  });
  const service = toServiceError(sent);
  t.ok(String(service.metadata.get('drover-error')[0]).length <= 4096);
  const back = fromServiceError(service);
  t.match(back, { code: 'no-valid-host', message: 'nothing fits ☃', cure: 'less' });
  t.match(back.value, /^☃+\.\.\.$/);
  const rows: [grpc.status, string, string | undefined, ErrorCode][] = [
    [grpc.status.UNAVAILABLE, 'No connection established', undefined, 'unavailable'],
    [
      grpc.status.RESOURCE_EXHAUSTED,
      'Received message larger than max (9 vs 8)',
      undefined,
      'message-too-large',
    ],
    [grpc.status.UNKNOWN, 'x', '{"code":"nonsense"}', 'internal'],
    [grpc.status.NOT_FOUND, 'x', 'no json', 'not-found'],
  ];
  for (const [code, details, metadata, want] of rows) {
    const trailer = new grpc.Metadata();
    if (metadata) trailer.set('drover-error', metadata);
    t.equal(fromServiceError({ code, details, metadata: trailer }).code, want, details);
  }
  t.end();
});

t.test('mutual TLS and roles', async (t) => {
  t.match(await call(clientOf(contract.Fleet, operator), 'UpdateHost', { host: 'good' }), { name: 'good' });
  await refused(t, call(clientOf(contract.Fleet), 'UpdateHost', { host: 'good' }), 'unavailable');
  await refused(
    t,
    call(clientOf(contract.Fleet, await identity('operator', 'eve', dayMs, stranger)), 'UpdateHost', {
      host: 'good',
    }),
    'unavailable',
  );
  await refused(
    t,
    call(clientOf(contract.Fleet, await identity('operator', 'old', -60_000)), 'UpdateHost', {
      host: 'good',
    }),
    'unavailable',
  );
  await refused(
    t,
    call(clientOf(contract.Fleet, agent), 'UpdateHost', { host: 'good' }),
    'permission-denied',
    /role operator/,
  );
  await refused(
    t,
    call(clientOf(contract.AgentSession, operator), 'RenewCertificate', {}),
    'permission-denied',
    /role agent/,
  );
});

t.test('a certificate that ends while the connection lives is refused', async (t) => {
  const client = clientOf(contract.Fleet, operator);
  await call(client, 'UpdateHost', { host: 'good' });
  clock += 2 * dayMs;
  t.teardown(() => (clock -= 2 * dayMs));
  await refused(t, call(client, 'UpdateHost', { host: 'good' }), 'unauthenticated', /ended on/);
});

t.test('errors, faults, deadlines and sizes at the client', async (t) => {
  const client = clientOf(contract.Fleet, operator);
  const error = await call(client, 'UpdateHost', { host: 'bad' }).catch(
    (thrown: unknown) => thrown as DroverError,
  );
  t.match(error, { code: 'invalid-argument', field: 'host', value: '"ünïcode ☃"', cure: 'an ASCII name' });
  await refused(t, call(client, 'UpdateHost', { host: 'fault' }), 'internal', /look for [0-9a-f-]{36}/);
  t.match(faults.at(-1), /UpdateHost Error: the secret inside/);
  await refused(t, call(client, 'ListHosts', {}, 150), 'deadline-exceeded');
  await refused(
    t,
    call(client, 'UpdateHost', { host: 'x'.repeat(9 * 2 ** 20) }),
    'message-too-large',
    /larger than max/,
  );
  t.match(await call(client, 'UpdateHost', { host: 'good' }), { name: 'good' }, 'the server lives');
});

t.test('health and reflection', async (t) => {
  const health = grpc.loadPackageDefinition(loadSync(protoPath, { enums: String })) as unknown as {
    grpc: { health: { v1: { Health: Construct<grpc.Client> } } };
  };
  const make = health.grpc.health.v1.Health;
  t.equal((await call(clientOf(make, agent), 'check', { service: '' })).status, 'SERVING');
  t.equal(
    (await call(clientOf(make, undefined, enrolmentAddress), 'check', { service: '' })).status,
    'SERVING',
  );
  const reflected = await new Promise<{ listServicesResponse: { service: { name: string }[] } }>(
    (resolve, reject) => {
      const proto = join(
        new URL('.', import.meta.resolve('@grpc/reflection')).pathname,
        '../proto/grpc/reflection/v1/reflection.proto',
      );
      const types = grpc.loadPackageDefinition(loadSync(proto)) as unknown as {
        grpc: { reflection: { v1: { ServerReflection: Construct<grpc.Client> } } };
      };
      const client = clientOf(types.grpc.reflection.v1.ServerReflection, operator) as grpc.Client & {
        serverReflectionInfo(): grpc.ClientDuplexStream<object, never>;
      };
      const stream = client.serverReflectionInfo();
      stream.on('data', resolve).on('error', reject);
      stream.end({ listServices: '*' });
    },
  );
  const names = reflected.listServicesResponse.service.map(({ name }) => name);
  for (const name of ['drover.v1.Fleet', 'drover.v1.AgentSession', 'drover.v1.Placement'])
    t.ok(names.includes(name), name);
});

const machine = { hostName: 'kvm-1', machineId: 'machine-1', labels: { rack: 'a1' }, availabilityZone: '' };
async function join1(request: Partial<EnrolRequestInput>, token?: string) {
  const { keyPem, requestDer } = await makeKeyAndRequest('whatever');
  const enrolled = await call(clientOf(contract.Enrolment, undefined, enrolmentAddress), 'Enrol', {
    ...machine,
    certificateRequestDer: requestDer,
    token: token ?? (await tokens.create(0, '', 'alice')).token,
    ...request,
  });
  return {
    keyPem,
    ...(enrolled as unknown as { hostId: string; certificateDer: Buffer; authorityCertificateDer: Buffer }),
  };
}

t.test('a host joins with a token, calls with its certificate, renews, and joins again', async (t) => {
  const { token } = await tokens.create(60, 'kvm-1', 'alice');
  const trusted = await fetchAuthority(enrolmentAddress, fingerprintOf(token), 5_000);
  t.ok(trusted.equals(authority.certificateDer));
  await refused(
    t,
    fetchAuthority(enrolmentAddress, stranger.fingerprint, 5_000),
    'unauthenticated',
    /not the control plane/,
  );
  await refused(t, fetchAuthority('127.0.0.1:1', stranger.fingerprint, 5_000), 'unavailable');
  const first = await join1({}, token);
  t.equal(createHash('sha256').update(first.authorityCertificateDer).digest('hex'), authority.fingerprint);
  t.match(hosts.get('kvm-1'), {
    id: first.hostId,
    machineId: 'machine-1',
    availabilityZone: 'nova',
    labels: { rack: 'a1' },
  });
  const session = clientOf(contract.AgentSession, first);
  const renewed = (await call(session, 'RenewCertificate', {
    certificateRequestDer: (await makeKeyAndRequest('x')).requestDer,
  })) as unknown as Identity;
  t.match(new X509Certificate(renewed.certificateDer).subject, `CN=${first.hostId}`);
  const unused = (await tokens.create(60, '', 'alice')).token;
  await refused(t, join1({}, unused), 'unauthenticated', /is known.*token create --host kvm-1/);
  await join1({ hostName: 'kvm-8', machineId: 'machine-8' }, unused); // refused before it was used up
  const second = await join1({}, (await tokens.create(60, 'kvm-1', 'alice')).token);
  t.equal(second.hostId, first.hostId, 'a reinstalled machine keeps its id');
  t.notSame(second.certificateDer, first.certificateDer);
  await refused(t, join1({ machineId: 'machine-2' }), 'already-exists', /another machine.*forget that host/);
  hosts.delete('kvm-1');
  await refused(
    t,
    call(session, 'RenewCertificate', { certificateRequestDer: (await makeKeyAndRequest('x')).requestDer }),
    'unauthenticated',
    /join again/,
  );
});

t.test('tokens: each fault has its own message', async (t) => {
  const good = await tokens.create(60, '', 'alice');
  const other = await tokens.create(60, '', 'alice');
  const parts = good.token.split('.');
  const bound = await tokens.create(60, 'kvm-9', 'alice');
  const faultsOf: [string, string, RegExp][] = [
    ['no token', 'hello', /no token of Drover/],
    ['forged secret', [parts[0], parts[1], other.token.split('.')[2], parts[3]].join('.'), /forged/],
    ['unknown id', [parts[0], '0'.repeat(16), parts[2], parts[3]].join('.'), /forged/],
    ['other control plane', [...parts.slice(0, 3), stranger.fingerprint].join('.'), /another control plane/],
    ['wrong host', bound.token, /for host kvm-9, not kvm-1/],
  ];
  for (const [, token, pattern] of faultsOf) await refused(t, join1({}, token), 'unauthenticated', pattern);
  const race = await Promise.allSettled([
    join1({ hostName: 'a' }, good.token),
    join1({ hostName: 'b' }, good.token),
  ]);
  t.same(race.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'], 'of two at once one wins');
  await refused(t, join1({ hostName: 'c' }, good.token), 'unauthenticated', /used before/);
  await refused(t, join1({ certificateRequestDer: Buffer.from('junk') }, other.token), 'invalid-argument');
  await join1({ hostName: 'd', machineId: 'd' }, other.token);
  const reloaded = new JoinTokens(await store.load(), submit, authority.fingerprint, now);
  t.throws(() => reloaded.check(good.token, 'a'), /used before/, 'the mark is durable');
  t.notOk(
    (await stored(store)).records.some(({ value }) => Buffer.from(value).includes(parts[2] as string)),
    'the secret is not stored',
  );
  const late = await tokens.create(60, '', 'alice');
  clock += 60_000;
  await refused(t, join1({}, late.token), 'unauthenticated', /expired on/);
  await refused(t, tokens.create(86_401, '', 'x'), 'invalid-argument', /ttl_seconds/);
  await refused(t, tokens.create(1, 'UPPER', 'x'), 'invalid-argument', /host_name/);
});

t.test('tokens: a limit of outstanding ones; expired ones are removed', async (t) => {
  let at = 1_000_000_000_000;
  const many = new JoinTokens(
    { under: () => [] },
    async () => 1,
    authority.fingerprint,
    () => at,
  );
  for (let i = 0; i < 10_000; i++) await many.create(600, '', 'x');
  await refused(t, many.create(600, '', 'x'), 'resource-exhausted', /10000 join tokens/);
  at += 600_001;
  await many.create(600, '', 'x');
  at += 3_600_000;
  for (let i = 0; i < 11; i++) await many.create(600, '', 'x');
  t.ok(many.size <= 12, `${many.size} are left`);
});

t.test('bad enrolments', async (t) => {
  for (const bad of [
    { hostName: 'UPPER' },
    { machineId: '' },
    { machineId: 'x'.repeat(129) },
    { labels: { 'a b': 'c' } },
    { availabilityZone: 'A B' },
    { token: 'x'.repeat(300) },
  ]) {
    await refused(t, join1(bad), 'invalid-argument');
  }
  await refused(t, join1({ certificateRequestDer: Buffer.alloc(70_000) }), 'message-too-large');
});

/** Serial of the certificate that a new handshake shows. */
function serialShown(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2'] },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

t.test('a renewed server certificate is seen by new handshakes, and open streams stay', async (t) => {
  const { certificateDer, keyPem } = agent;
  const stream = clientOf(contract.AgentSession, { certificateDer, keyPem }).Session();
  const echo = (sequence: number) =>
    new Promise<number>((resolve, reject) => {
      stream.once('data', (message: { sequence: number }) => resolve(message.sequence));
      stream.once('error', reject);
      stream.write({ sequence });
    });
  t.equal(await echo(1), 1);
  const before = await serialShown(servers.enrolmentPort);
  await servers.renew();
  t.not(await serialShown(servers.enrolmentPort), before);
  t.not(await serialShown(servers.apiPort), before);
  t.equal(await echo(2), 2, 'the old stream goes on');
  t.match(await call(clientOf(contract.Fleet, operator), 'UpdateHost', { host: 'good' }), { name: 'good' });
  await refused(t, call(clientOf(contract.Fleet), 'UpdateHost', { host: 'good' }), 'unavailable');
  stream.on('error', () => undefined).cancel();
});

t.test('the server certificate renews by itself; shutdown keeps its deadline', async (t) => {
  const options = {
    authority,
    addresses: ['localhost'],
    enrolmentListen: '127.0.0.1:0',
    apiServices: [],
    enrolmentServices: [],
    renewalFailed: () => undefined,
    now: () => Date.now(),
  };
  const own = await startServers({ ...options, apiListen: '127.0.0.1:0', certificateLifetimeMs: 600 });
  const before = await serialShown(own.apiPort);
  const deadline = Date.now() + 10_000;
  while ((await serialShown(own.apiPort)) === before && Date.now() < deadline)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.not(await serialShown(own.apiPort), before);
  await refused(
    t,
    startServers({ ...options, apiListen: `127.0.0.1:${own.apiPort}` }),
    'unavailable',
    /cannot listen/,
  );
  await own.shutdown(1_000);

  const hanging = call(clientOf(contract.Fleet, operator), 'ListHosts', {}, 60_000);
  hanging.catch(() => undefined);
  await call(clientOf(contract.Fleet, operator), 'UpdateHost', { host: 'good' });
  const started = Date.now();
  await servers.shutdown(300);
  t.ok(Date.now() - started < 3_000, 'a call that hangs is cut off');
  await refused(t, hanging, 'unavailable');
});
