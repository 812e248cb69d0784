// Original file: proto/drover/v1/fleet.proto

import type { DomainInput as _drover_v1_DomainInput, Domain as _drover_v1_Domain } from '../../drover/v1/Domain.js';

export interface ListDomainsResponseInput {
  'domains'?: (_drover_v1_DomainInput)[];
  'nextPageToken'?: (string);
  'total'?: (number);
}

export interface ListDomainsResponse {
  'domains': (_drover_v1_Domain)[];
  'nextPageToken': (string);
  'total': (number);
}
