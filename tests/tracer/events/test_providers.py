import uuid

from tracer.events import image, irp, pool, registry, thread
from tracer.events.layout import KernelId, ProviderId
from tracer.events.providers import KERNEL_GROUPS, canonical, classic, provider_name

IMAGE_CLASS = uuid.UUID("2cb15d1d-5fc1-11d2-abe1-00a0c911f518")


def test_a_hook_id_and_its_class_and_opcode_are_the_same_event() -> None:
    for hook in (pool.ALLOC, thread.CONTEXT_SWITCH, thread.READY, irp.COMPLETE, image.UNLOAD, image.LOAD):
        named = classic(KernelId(hook))
        assert named is not None
        assert canonical(named) == KernelId(hook)
        assert registry.layouts_for(named) == registry.layouts_for(KernelId(hook)) != ()


def test_an_image_load_belongs_to_group_process_but_to_the_image_class() -> None:
    assert classic(KernelId(image.LOAD)) == ProviderId(IMAGE_CLASS, 0x0A)
    assert canonical(ProviderId(IMAGE_CLASS, 0x0A)) == KernelId(0x030A)
    assert canonical(ProviderId(IMAGE_CLASS, 0x02)) == KernelId(image.UNLOAD)


def test_a_manifest_event_stays_as_it_is() -> None:
    event = ProviderId(image.IMAGE_ID, image.IDENTITY)
    assert canonical(event) is event


def test_a_group_without_a_known_class_has_none() -> None:
    assert classic(KernelId(0x7F01)) is None


def test_an_opcode_is_one_byte() -> None:
    event = ProviderId(IMAGE_CLASS, 0x1402)
    assert canonical(event) == event


def test_well_known_providers_have_names() -> None:
    assert provider_name(uuid.UUID("e53c6823-7bb8-44bb-90dc-3f86090d48a6")) == "Microsoft-Windows-Winsock-AFD"
    assert all(provider_name(guid) for guid in KERNEL_GROUPS)
    assert provider_name(uuid.UUID(int=7)) is None
