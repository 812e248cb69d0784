/** Calls that are served without grpc-js's own handling, as its client and a bare HTTP/2 client see them. */
import { connect, type IncomingHttpHeaders } from 'node:http2';
import * as grpc from '@grpc/grpc-js';
import t from 'tap';
import { asFrequent, leanMethods, serveLean } from '../../../../controlplane/api/lean-unary.js';

const path = '/test.Echo/Say';
const toText = (bytes: Buffer): string => {
  if (bytes.includes(0xff)) throw new Error('not a text');
  return bytes.toString();
};
const plain: grpc.MethodDefinition<string, string> = {
  ...{ path, requestStream: false, responseStream: false },
  ...{ requestSerialize: (text: string) => Buffer.from(text), requestDeserialize: toText },
  ...{ responseSerialize: (text: string) => Buffer.from(text), responseDeserialize: String },
};
const definition = {
  Say: asFrequent(plain as unknown as grpc.MethodDefinition<unknown, unknown>) as typeof plain,
  Other: { ...plain, path: '/test.Echo/Other' },
};

interface Heard {
  readonly isLean: boolean;
  readonly deadline: number;
}

const heard: Heard[] = [];
let answerLate: (() => void) | undefined;
const say: grpc.handleUnaryCall<string, string> = (call, answer) => {
  heard.push({ isLean: !('sendMetadata' in call), deadline: Number(call.getDeadline()) });
  const metadata = new grpc.Metadata();
  metadata.set('why', 'because');
  if (call.request === 'refuse') answer({ code: grpc.status.NOT_FOUND, details: 'no “host”', metadata });
  else if (call.request === 'wait') answerLate = () => answer(null, 'too late');
  else answer(null, call.request === 'much' ? 'x'.repeat(2_000) : `said ${call.request}`);
};

const server = new grpc.Server({ 'grpc.max_receive_message_length': 1_000 });
server.addService(definition, { Say: say, Other: say });
const isServed = serveLean(server, leanMethods([{ definition, implementation: { Say: say, Other: say } }]), {
  receivedBytes: 1_000,
  sentBytes: 1_000,
});
const port = await new Promise<number>((resolve, reject) =>
  server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
    error ? reject(error) : resolve(bound),
  ),
);
const address = `127.0.0.1:${port}`;
const client = new grpc.Client(address, grpc.credentials.createInsecure());
t.teardown(() => {
  client.close();
  server.forceShutdown();
});

function ask(text: string, method = path, by = client, options: grpc.CallOptions = {}): Promise<string> {
  return new Promise((resolve, reject) =>
    by.makeUnaryRequest(method, Buffer.from, String, text, new grpc.Metadata(), options, (error, answer) =>
      error ? reject(error) : resolve(answer ?? ''),
    ),
  );
}

t.test('an answer, and which way it went', async (t) => {
  t.ok(isServed, 'this grpc-js hands its streams over');
  t.equal(await ask('yes'), 'said yes');
  const deadline = Date.now() + 60_000;
  t.equal(await ask('soon', path, client, { deadline }), 'said soon');
  t.equal(await ask('yes', '/test.Echo/Other'), 'said yes');
  const zipping = new grpc.Client(address, grpc.credentials.createInsecure(), {
    'grpc.default_compression_algorithm': grpc.compressionAlgorithms.gzip,
  });
  t.equal(await ask('zipped', path, zipping), 'said zipped', 'what is compressed is grpc-js’s');
  zipping.close();
  t.strictSame(
    heard.map(({ isLean }) => isLean),
    [true, true, false, false],
  );
  t.equal(heard[0]?.deadline, Infinity);
  t.ok(Math.abs((heard[1]?.deadline ?? 0) - deadline) < 5_000, 'the deadline is the caller’s');
});

t.test('failures have the status that grpc-js gives them', async (t) => {
  for (const [text, code, details] of [
    ['refuse', grpc.status.NOT_FOUND, /^no “host”$/],
    ['x'.repeat(1_001), grpc.status.RESOURCE_EXHAUSTED, /larger than max/],
    ['much', grpc.status.RESOURCE_EXHAUSTED, /larger than max \(2000 vs\. 1000\)/],
  ] as const)
    await t.rejects(ask(text), { code, details }, details.source);
  const error = (await ask('refuse').catch((thrown: unknown) => thrown)) as grpc.ServiceError;
  t.strictSame(error.metadata.get('why'), ['because']);
  t.equal(await ask('x'.repeat(990)), `said ${'x'.repeat(990)}`, 'and the connection goes on');
});

t.test('a caller that gives up is not answered', async (t) => {
  const before = heard.length;
  await t.rejects(ask('wait', path, client, { deadline: Date.now() + 200 }), {
    code: grpc.status.DEADLINE_EXCEEDED,
  });
  t.equal(heard.length, before + 1);
  t.doesNotThrow(() => answerLate?.());
  t.equal(await ask('still there'), 'said still there');
});

function message(text: Buffer, isCompressed = 0): Buffer {
  const prefix = Buffer.from([isCompressed, 0, 0, 0, 0]);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, text]);
}

t.test('what no gRPC client sends', async (t) => {
  const session = connect(`http://${address}`);
  const statusOf = (body: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const head = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
      const stream = session.request(head, { endStream: body.length === 0 });
      const take = (headers: IncomingHttpHeaders): void => {
        if (headers['grpc-status'] !== undefined) resolve(String(headers['grpc-status']));
      };
      stream.on('response', take).on('trailers', take).on('error', reject).resume();
      if (body.length > 0) stream.end(body);
    });
  const hello = Buffer.from('hello');
  t.equal(await statusOf(message(hello)), '0');
  t.equal(await statusOf(Buffer.alloc(0)), '12', 'no message');
  t.equal(await statusOf(Buffer.concat([message(hello), message(hello)])), '12', 'two messages');
  t.equal(await statusOf(message(hello).subarray(0, 8)), '12', 'half a message');
  t.equal(await statusOf(message(hello, 1)), '13', 'compressed by no encoding');
  t.equal(await statusOf(message(Buffer.from([0xff]))), '13', 'what cannot be read');
  session.close();
});
