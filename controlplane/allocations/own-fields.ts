/**
 * The fields of an allocation that are its own, as protobuf: every claim has others, so they are written one by one with the
 * tags looked up beforehand. The few that almost none has go by the usual encoder.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { ByteSink } from '../../proto/wire/byte-sink.js';
import type { PlainEncoders } from '../../proto/wire/plain-encoder.js';

const texts = ['id', 'hostId', 'hostName', 'idempotencyKey', 'alternates'] as const;
const numbers = ['revision', 'seed', 'hostGeneration'] as const;
const seldom = ['cells', 'movedFrom', 'moveKey', 'devices'] as const;

/** All of them; `alikeFields` are the rest of an allocation. */
export const ownFields = [...texts, ...numbers, ...seldom] as const;

export class OwnFields {
  readonly #sink = new ByteSink();
  readonly #tags: Readonly<Record<(typeof texts)[number] | (typeof numbers)[number], number>>;
  readonly #seldom: (value: object) => Buffer;

  constructor(encoders: PlainEncoders) {
    const tagOf = (name: string): number => encoders.tagOf('Allocation', name);
    this.#tags = {
      ...{ id: tagOf('id'), hostId: tagOf('hostId'), hostName: tagOf('hostName') },
      ...{ idempotencyKey: tagOf('idempotencyKey'), alternates: tagOf('alternates') },
      ...{ revision: tagOf('revision'), seed: tagOf('seed'), hostGeneration: tagOf('hostGeneration') },
    };
    this.#seldom = encoders.of('Allocation', seldom);
  }

  /** The message that begins with `before`, the other fields encoded. */
  after(before: Uint8Array, allocation: Allocation): Buffer {
    const sink = this.#sink;
    const tags = this.#tags;
    sink.raw(before);
    sink.fieldText(tags.id, allocation.id);
    sink.fieldText(tags.hostId, allocation.hostId);
    sink.fieldText(tags.hostName, allocation.hostName);
    sink.fieldText(tags.idempotencyKey, allocation.idempotencyKey);
    const { alternates } = allocation;
    for (let place = 0; place < alternates.length; place++) {
      sink.varint(tags.alternates);
      sink.text(alternates[place] as string);
    }
    sink.fieldVarint(tags.revision, allocation.revision);
    sink.fieldVarint(tags.seed, allocation.seed);
    sink.fieldVarint(tags.hostGeneration, allocation.hostGeneration);
    if (hasSeldom(allocation)) sink.raw(this.#seldom(allocation));
    return sink.take();
  }
}

function hasSeldom({ cells, devices, movedFrom, moveKey }: Allocation): boolean {
  return cells.length > 0 || devices.length > 0 || movedFrom !== '' || moveKey !== '';
}
