// Original file: proto/drover/v1/fleet.proto


export interface PciDeviceInput {
  'address'?: (string);
  'vendorId'?: (string);
  'productId'?: (string);
  'deviceType'?: (string);
  'numaCell'?: (number);
  'tags'?: ({[key: string]: string});
  '_numaCell'?: "numaCell";
}

export interface PciDevice {
  'address': (string);
  'vendorId': (string);
  'productId': (string);
  'deviceType': (string);
  'numaCell'?: (number);
  'tags': ({[key: string]: string});
  '_numaCell'?: "numaCell";
}
