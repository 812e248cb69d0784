// Original file: proto/drover/v1/catalog.proto

import type { FlavorInput as _drover_v1_FlavorInput, Flavor as _drover_v1_Flavor } from '../../drover/v1/Flavor.js';

export interface PutFlavorRequestInput {
  'flavor'?: (_drover_v1_FlavorInput | null);
}

export interface PutFlavorRequest {
  'flavor': (_drover_v1_Flavor | null);
}
