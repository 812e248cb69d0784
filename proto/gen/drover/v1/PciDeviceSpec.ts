// Original file: proto/drover/v1/placement.proto


export interface PciDeviceSpecInput {
  'keys'?: ({[key: string]: string});
}

export interface PciDeviceSpec {
  'keys': ({[key: string]: string});
}
