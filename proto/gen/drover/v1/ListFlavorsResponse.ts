// Original file: proto/drover/v1/catalog.proto

import type { FlavorInput as _drover_v1_FlavorInput, Flavor as _drover_v1_Flavor } from '../../drover/v1/Flavor.js';

export interface ListFlavorsResponseInput {
  'flavors'?: (_drover_v1_FlavorInput)[];
  'nextPageToken'?: (string);
  'total'?: (number);
}

export interface ListFlavorsResponse {
  'flavors': (_drover_v1_Flavor)[];
  'nextPageToken': (string);
  'total': (number);
}
