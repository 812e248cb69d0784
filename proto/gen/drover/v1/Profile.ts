// Original file: proto/drover/v1/tuning.proto

import type { ProfileSelectorInput as _drover_v1_ProfileSelectorInput, ProfileSelector as _drover_v1_ProfileSelector } from '../../drover/v1/ProfileSelector.js';
import type { Long } from '@grpc/proto-loader';

export interface ProfileInput {
  'name'?: (string);
  'revision'?: (number);
  'selector'?: (_drover_v1_ProfileSelectorInput | null);
  'tuners'?: ({[key: string]: string});
  'description'?: (string);
  'createdUnixMs'?: (number | string | Long);
  'createdBy'?: (string);
  'selectedHosts'?: (number);
  'withdrawn'?: (boolean);
  'priority'?: (number);
  'trialSeconds'?: (number);
  'onFailure'?: (string);
  'guests'?: (string);
}

export interface Profile {
  'name': (string);
  'revision': (number);
  'selector': (_drover_v1_ProfileSelector | null);
  'tuners': ({[key: string]: string});
  'description': (string);
  'createdUnixMs': (number);
  'createdBy': (string);
  'selectedHosts': (number);
  'withdrawn': (boolean);
  'priority': (number);
  'trialSeconds': (number);
  'onFailure': (string);
  'guests': (string);
}
