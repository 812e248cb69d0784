import { invalid } from '../../../proto/wire/errors.js';
import type { CheckedRequest } from '../../model/request.js';
import { type IpNetwork, isInNetwork, readIpAddress, readIpNetwork } from '../requirements/ip-network.js';
import { asksNothing, type Filter } from './filter.js';

const address = 'build_near_host_ip';

/**
 * The host's address is in the network that the hints `build_near_host_ip` and `cidr` make, one text behind the other; `cidr`
 * is `/24` where it is not given. Nova `affinity_filter.py`.
 */
export const simpleCidrAffinityFilter: Filter = {
  name: 'SimpleCIDRAffinityFilter',
  reasons: ['host-ip-unknown', 'host-ip-outside'],
  isOncePerRequest: true,
  prepare: (request, columns) => {
    const near = hintOf(request, address, '');
    if (near === '') return asksNothing;
    const text = near + hintOf(request, 'cidr', '/24');
    const network = networkOf(text);
    const ipOf = (row: number) => columns.detailsOf(row).hostIp;
    return {
      passes: (row) => isInside(ipOf(row), network),
      reasonOf: (row) => (readIpAddress(ipOf(row) ?? '') ? 1 : 0),
      wordsOf: (row) => ({
        observed: ipOf(row) ? `address ${ipOf(row)}` : 'no address told',
        wanted: `an address in ${text}`,
      }),
    };
  },
};

function isInside(hostIp: string | null, network: IpNetwork): boolean {
  const ip = hostIp === null ? undefined : readIpAddress(hostIp);
  return ip !== undefined && isInNetwork(ip, network);
}

function networkOf(text: string): IpNetwork {
  const network = readIpNetwork(text);
  if (network) return network;
  throw invalid(
    'scheduler_hints.cidr',
    text,
    `bits such as /24 that make a network of scheduler_hints.${address}`,
  );
}

function hintOf({ hints }: CheckedRequest, name: string, otherwise: string): string {
  const values = hints[name];
  if (values === undefined || values.length === 1) return values?.[0] ?? otherwise;
  if (name === address && values.length === 0) return '';
  throw invalid(`scheduler_hints.${name}`, `${values.length} values`, 'one value');
}
