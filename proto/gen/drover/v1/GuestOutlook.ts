// Original file: proto/drover/v1/fleet.proto

import type { DomainInput as _drover_v1_DomainInput, Domain as _drover_v1_Domain } from '../../drover/v1/Domain.js';

export interface GuestOutlookInput {
  'domain'?: (_drover_v1_DomainInput | null);
  'wave'?: (number);
  'action'?: (string);
  'managed'?: (boolean);
  'detail'?: (string);
}

export interface GuestOutlook {
  'domain': (_drover_v1_Domain | null);
  'wave': (number);
  'action': (string);
  'managed': (boolean);
  'detail': (string);
}
