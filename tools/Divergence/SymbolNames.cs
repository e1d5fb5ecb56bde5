using System.Globalization;
using Bulkhead.Core.Memory;
using Bulkhead.Machine.Symbols;

namespace Bulkhead.Tools.Divergence;

/// <summary>Names addresses by the kernel's own tables, which are in its file.</summary>
internal sealed class SymbolNames
{
    private const ulong KernelText = 0xFFFF_FFFF_8000_0000;

    private readonly KernelSymbols? _symbols;

    private SymbolNames(KernelSymbols? symbols)
    {
        _symbols = symbols;
    }

    /// <summary>Reads the tables of an uncompressed kernel; without them addresses have no names.</summary>
    internal static SymbolNames Read(string kernel)
    {
        byte[] file = File.ReadAllBytes(kernel);
        ulong size = ((ulong)file.Length + 0xFFF) & ~0xFFFul;
        using var memory = new GuestMemory("symbols", size);
        _ = memory.TryWrite(new Gpa(0), file);
        return new SymbolNames(KallsymsFinder.Find(memory, new Gpa(size / 2)));
    }

    /// <summary>The address, and its name where it has one.</summary>
    internal string Name(ulong address)
    {
        string digits = address.ToString("x", CultureInfo.InvariantCulture);
        return address >= KernelText && _symbols is not null && _symbols.TryName(address, out string name)
            ? $"{digits} {name[..name.LastIndexOf('/')]}"
            : digits;
    }

    /// <summary>Whether the kernel enters here from an interrupt of a device, a timer or another processor.</summary>
    internal bool IsInterrupt(ulong address) =>
        _symbols is not null && _symbols.TryName(address, out string name)
        && (name.StartsWith("irq_entries_start+", StringComparison.Ordinal)
            || (name.StartsWith("asm_sysvec_", StringComparison.Ordinal) && name.Contains("+0x0/", StringComparison.Ordinal)));
}
