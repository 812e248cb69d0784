// Original file: proto/drover/v1/fleet.proto

import type { CpuCoreInput as _drover_v1_CpuCoreInput, CpuCore as _drover_v1_CpuCore } from '../../drover/v1/CpuCore.js';
import type { CpuCacheInput as _drover_v1_CpuCacheInput, CpuCache as _drover_v1_CpuCache } from '../../drover/v1/CpuCache.js';

export interface CpuFactsInput {
  'architecture'?: (string);
  'modelName'?: (string);
  'online'?: (string);
  'offline'?: (string);
  'isolated'?: (string);
  'sockets'?: (number);
  'cores'?: (number);
  'threadsPerCoreMin'?: (number);
  'threadsPerCoreMax'?: (number);
  'coreList'?: (_drover_v1_CpuCoreInput)[];
  'caches'?: (_drover_v1_CpuCacheInput)[];
}

export interface CpuFacts {
  'architecture': (string);
  'modelName': (string);
  'online': (string);
  'offline': (string);
  'isolated': (string);
  'sockets': (number);
  'cores': (number);
  'threadsPerCoreMin': (number);
  'threadsPerCoreMax': (number);
  'coreList': (_drover_v1_CpuCore)[];
  'caches': (_drover_v1_CpuCache)[];
}
