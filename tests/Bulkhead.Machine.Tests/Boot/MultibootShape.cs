namespace Bulkhead.Machine.Tests.Boot;

/// <summary>What kind of file a Multiboot kernel is.</summary>
public enum MultibootShape
{
    Elf32,
    Elf64,
    Addresses,
}
