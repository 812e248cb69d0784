"""Times Nova's own filters and weighers on the fleet and requests that stand in a JSON file.

usage: select-hosts.py FILE REPEATS    (the system Python that has python3-nova)

The file: {"filters": [class names], "hosts": [...], "requests": [...]}. The answer, one JSON line:
{"version": ..., "requests": [{"ms": [...], "best": [names of the five best], "left": hosts that pass}]}.

Hosts are HostState objects before the clock starts: there is no database, no message and no claim in what is timed,
only filtering, weighing and sorting.
"""
import datetime
import json
import logging
import sys
import time

import eventlet

eventlet.monkey_patch(os=False)
logging.disable(logging.CRITICAL)

from nova import conf, config, objects, version  # noqa: E402
from nova.scheduler import filters, host_manager, weights  # noqa: E402
from oslo_utils import timeutils  # noqa: E402


def host_state(host, now):
    """What the host manager would have made of a compute node, its service and its aggregates."""
    state = host_manager.HostState(host['name'], host['name'], None)
    state.uuid = None
    state.service = {
        'host': host['name'],
        'disabled': host['disabled'],
        'disabled_reason': None,
        'forced_down': False,
        'last_seen_up': now if host['up'] else now - datetime.timedelta(hours=1),
        'updated_at': now,
        'created_at': now,
        'topic': 'compute',
        'binary': 'nova-compute',
        'report_count': 1,
    }
    state.vcpus_total, state.vcpus_used = host['vcpus'], host['vcpus_used']
    state.total_usable_ram_mb, state.free_ram_mb = host['memory_mb'], host['memory_mb'] - host['memory_used_mb']
    state.total_usable_disk_gb = host['disk_mb'] // 1024
    state.free_disk_mb = host['disk_mb'] - host['disk_used_mb']
    state.disk_mb_used = host['disk_used_mb']
    state.cpu_allocation_ratio = host['cpu_allocation_ratio']
    state.ram_allocation_ratio = host['ram_allocation_ratio']
    state.disk_allocation_ratio = host['disk_allocation_ratio']
    state.num_instances, state.num_io_ops = host['servers'], host['io_ops']
    state.failed_builds = host['failed_builds']
    state.instances = {}
    state.metrics = objects.MonitorMetricList(objects=[])
    state.hypervisor_type, state.hypervisor_version = 'QEMU', 7002000
    state.supported_instances = [['x86_64', 'kvm', 'hvm']]
    state.cpu_info = '{}'
    state.stats = {}
    state.aggregates = [objects.Aggregate(id=1, name=host['zone'], metadata={'availability_zone': host['zone']})]
    state.pci_stats = None
    state.numa_topology = None
    return state


def request_spec(request):
    flavor = objects.Flavor(
        name='bench', flavorid='bench', vcpus=request['vcpus'], memory_mb=request['memory_mb'],
        root_gb=request['root_gb'], ephemeral_gb=0, swap=0, extra_specs={})
    return objects.RequestSpec(
        flavor=flavor, image=objects.ImageMeta(properties=objects.ImageMetaProps()),
        availability_zone=request['zone'] or None, instance_group=None, numa_topology=None, pci_requests=None,
        project_id='p', ignore_hosts=None, force_hosts=None, force_nodes=None, requested_destination=None,
        scheduler_hints={}, instance_uuid='00000000-0000-4000-8000-000000000000', num_instances=1, is_bfv=False,
        network_metadata=objects.NetworkMetadata(physnets=set(), tunneled=False), retry=None, limits=None)


def resources_fit(state, spec):
    """Placement answers this for Nova, before any filter runs."""
    flavor = spec.flavor
    return (flavor.vcpus <= min(state.vcpus_total, state.vcpus_total * state.cpu_allocation_ratio - state.vcpus_used)
            and flavor.memory_mb <= state.free_ram_mb and flavor.root_gb * 1024 <= state.free_disk_mb)


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        given = json.load(file)
    repeats = int(sys.argv[2])
    config.parse_args(['bench'], default_config_files=[])
    objects.register_all()
    now = timeutils.utcnow(with_timezone=True)
    states = [host_state(host, now) for host in given['hosts']]
    filter_handler, weight_handler = filters.HostFilterHandler(), weights.HostWeightHandler()
    by_name = {cls.__name__: cls for cls in filter_handler.get_matching_classes(
        ['nova.scheduler.filters.all_filters'])}
    chosen = [by_name[name]() for name in given['filters'] if name in by_name]
    weighers = [cls() for cls in weight_handler.get_matching_classes(conf.CONF.filter_scheduler.weight_classes)]
    answers = []
    for request in given['requests']:
        spec, times, order = request_spec(request), [], []
        fitting = [state for state in states if resources_fit(state, spec)]
        for _ in range(repeats):
            start = time.perf_counter()
            left = filter_handler.get_filtered_objects(chosen, fitting, spec, 0)
            order = weight_handler.get_weighed_objects(weighers, left, spec)
            times.append((time.perf_counter() - start) * 1000)
        answers.append({'ms': times, 'left': len(order), 'best': [one.obj.host for one in order[:5]]})
    print(json.dumps({'version': version.version_string(), 'filters': [type(one).__name__ for one in chosen],
                      'weighers': sorted(type(one).__name__ for one in weighers), 'requests': answers}))


if __name__ == '__main__':
    main()
