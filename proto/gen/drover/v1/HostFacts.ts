// Original file: proto/drover/v1/fleet.proto

import type { CpuFactsInput as _drover_v1_CpuFactsInput, CpuFacts as _drover_v1_CpuFacts } from '../../drover/v1/CpuFacts.js';
import type { MemoryFactsInput as _drover_v1_MemoryFactsInput, MemoryFacts as _drover_v1_MemoryFacts } from '../../drover/v1/MemoryFacts.js';
import type { NumaCellInput as _drover_v1_NumaCellInput, NumaCell as _drover_v1_NumaCell } from '../../drover/v1/NumaCell.js';
import type { HugepagePoolInput as _drover_v1_HugepagePoolInput, HugepagePool as _drover_v1_HugepagePool } from '../../drover/v1/HugepagePool.js';
import type { BlockDeviceInput as _drover_v1_BlockDeviceInput, BlockDevice as _drover_v1_BlockDevice } from '../../drover/v1/BlockDevice.js';
import type { CgroupFactsInput as _drover_v1_CgroupFactsInput, CgroupFacts as _drover_v1_CgroupFacts } from '../../drover/v1/CgroupFacts.js';
import type { PassthroughFactsInput as _drover_v1_PassthroughFactsInput, PassthroughFacts as _drover_v1_PassthroughFacts } from '../../drover/v1/PassthroughFacts.js';
import type { Long } from '@grpc/proto-loader';

export interface HostFactsInput {
  'cpu'?: (_drover_v1_CpuFactsInput | null);
  'memory'?: (_drover_v1_MemoryFactsInput | null);
  'numaCells'?: (_drover_v1_NumaCellInput)[];
  'hugepages'?: (_drover_v1_HugepagePoolInput)[];
  'blockDevices'?: (_drover_v1_BlockDeviceInput)[];
  'cgroup'?: (_drover_v1_CgroupFactsInput | null);
  'versions'?: ({[key: string]: string});
  'ksm'?: ({[key: string]: string});
  'transparentHugepages'?: ({[key: string]: string});
  'services'?: ({[key: string]: string});
  'virtualization'?: (string);
  'inventory'?: ({[key: string]: string});
  'diskTotalBytes'?: (number | string | Long);
  'warnings'?: (string)[];
  'passthrough'?: (_drover_v1_PassthroughFactsInput | null);
}

export interface HostFacts {
  'cpu': (_drover_v1_CpuFacts | null);
  'memory': (_drover_v1_MemoryFacts | null);
  'numaCells': (_drover_v1_NumaCell)[];
  'hugepages': (_drover_v1_HugepagePool)[];
  'blockDevices': (_drover_v1_BlockDevice)[];
  'cgroup': (_drover_v1_CgroupFacts | null);
  'versions': ({[key: string]: string});
  'ksm': ({[key: string]: string});
  'transparentHugepages': ({[key: string]: string});
  'services': ({[key: string]: string});
  'virtualization': (string);
  'inventory': ({[key: string]: string});
  'diskTotalBytes': (number);
  'warnings': (string)[];
  'passthrough': (_drover_v1_PassthroughFacts | null);
}
