/** Names that travel: hosts, profiles, labels, keys of the store. */
import { invalid } from './errors.js';

const hostName =
  /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const simpleName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const label = /^[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,61}[A-Za-z0-9])?$/;

/** Most labels of one host. */
export const maximumLabels = 32;

/** `name` if it is a lower-case DNS name of at most 253 bytes. Errors: `invalid-argument` naming `field`. */
export function checkHostName(name: string, field = 'host_name'): string {
  if (!hostName.test(name)) throw invalid(field, name, 'a lower-case DNS name such as kvm-01.example.org');
  return name;
}

/** `name` if it is a simple name (profiles, zones). Errors: `invalid-argument` naming `field`. */
export function checkSimpleName(name: string, field: string): string {
  if (!simpleName.test(name))
    throw invalid(field, name, 'lower-case letters, digits and hyphens, at most 63');
  return name;
}

/** `labels` if there are at most 32 with plain keys and values. Errors: `invalid-argument` naming `field.KEY`. */
export function checkLabels(labels: Record<string, string>, field = 'labels'): Record<string, string> {
  const entries = Object.entries(labels);
  if (entries.length > maximumLabels)
    throw invalid(field, `${entries.length} labels`, `at most ${maximumLabels}`);
  for (const [key, value] of entries) {
    if (!label.test(key))
      throw invalid(`${field} key`, key, 'letters, digits, dots, slashes and hyphens, at most 63');
    if (value !== '' && !label.test(value))
      throw invalid(`${field}.${key}`, value, 'letters, digits, dots, slashes and hyphens, at most 63');
  }
  return labels;
}
