/**
 * What of a claim's request its allocation has no field of its own for: image, hints, devices, networks. It is kept with the
 * allocation, as Nova keeps the request spec of an instance, so that another host is found by all that was asked for. Hosts
 * that were named or ruled out, a destination and retries are of one request alone, in Nova too. Pure.
 */
import { isDeepStrictEqual } from 'node:util';
import type { RequestRest } from '../../proto/gen/drover/v1/RequestRest.js';
import type { Values } from '../../proto/gen/drover/v1/Values.js';
import { invalid } from '../../proto/wire/errors.js';
import type { CheckedRequest, Image } from './request.js';

/** Of an allocation, in characters of JSON: a query of JsonFilter may have 65,536 by itself. */
export const mostRestCharacters = 131_072;

const plainImage: Image = { id: '', name: '', properties: {} };

/**
 * The rest of a request; null: there is none. Errors: `invalid-argument` naming the request where it is too large to be kept
 * with an allocation.
 */
export function restOf(request: CheckedRequest): RequestRest | null {
  const { image, hints, pciRequests, network, isVolumeBooted } = request;
  const hasImage = image !== null && !isPlainImage(image);
  const asks = hasImage || network !== null || isVolumeBooted || pciRequests.length > 0;
  if (!asks && isEmpty(hints)) return null;
  const rest: RequestRest = {
    image: hasImage ? { ...image, properties: { ...image.properties } } : null,
    schedulerHints: hintsMessage(hints),
    pciRequests: pciRequests.map(({ count, specs, numaPolicy }) => ({
      count,
      specs: specs.map((keys) => ({ keys: { ...keys } })),
      numaPolicy: numaPolicy ?? '',
    })),
    network: network && { physnets: [...network.physnets], tunneled: network.tunneled },
    bootsFromVolume: isVolumeBooted,
  };
  const characters = restCharacters(rest);
  if (characters > mostRestCharacters)
    throw invalid(
      'request',
      `${characters} characters of image, hints, devices and networks`,
      `at most ${mostRestCharacters} for a claim: they are kept with the allocation`,
    );
  return rest;
}

/** The parts of a request that the rest of one says. */
export function partsOf(rest: RequestRest | null) {
  const hints: Record<string, readonly string[]> = {};
  for (const [name, { values }] of Object.entries(rest?.schedulerHints ?? {})) hints[name] = values;
  return {
    image: rest?.image ?? plainImage,
    hints,
    pciRequests: (rest?.pciRequests ?? []).map(({ count, specs, numaPolicy }) => ({
      count,
      specs: specs.map(({ keys }) => keys),
      numaPolicy: numaPolicy || undefined,
    })),
    network: rest?.network ?? null,
    isVolumeBooted: rest?.bootsFromVolume ?? false,
  };
}

/** True where two requests have the same rest, whatever the order of the keys in it. */
export function isSameRest(one: RequestRest | null, other: RequestRest | null): boolean {
  return one === other || (one !== null && other !== null && isDeepStrictEqual(one, other));
}

const sizes = new WeakMap<RequestRest, number>();

/** How long a rest is as JSON, in characters; allocations share theirs, so it is worked out once for many. */
export function restCharacters(rest: RequestRest): number {
  const known = sizes.get(rest);
  if (known !== undefined) return known;
  const characters = JSON.stringify(rest).length;
  sizes.set(rest, characters);
  return characters;
}

function isPlainImage({ id, name, properties }: Image): boolean {
  return id === '' && name === '' && isEmpty(properties);
}

function hintsMessage(hints: CheckedRequest['hints']): Record<string, Values> {
  const message: Record<string, Values> = {};
  for (const name in hints) message[name] = { values: [...(hints[name] ?? [])] };
  return message;
}

function isEmpty(map: object): boolean {
  for (const _ in map) return false;
  return true;
}
