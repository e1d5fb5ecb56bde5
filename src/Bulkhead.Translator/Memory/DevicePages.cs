using Bulkhead.Core.Memory;
using Bulkhead.X86.Memory;

namespace Bulkhead.Translator.Memory;

/// <summary>Translations of the last pages that turned out to be no RAM: what a TLB is for RAM.</summary>
/// <remarks><i>Threading</i>: the vCPU's thread.</remarks>
internal sealed class DevicePages
{
    private const int Entries = 4;
    private readonly (ulong Page, Access Access, Gpa Device)[] _entries = new (ulong, Access, Gpa)[Entries];
    private bool _filled;

    /// <summary>Remembers where an access to an address goes.</summary>
    internal void Add(ulong address, Access access, Gpa device)
    {
        _entries[IndexOf(address)] = ((address & ~0xFFFul) | 1, access, new Gpa(device.Value & ~0xFFFul));
        _filled = true;
    }

    /// <summary>Where an access to an address goes, if that is known.</summary>
    internal bool TryFind(ulong address, Access access, out Gpa device)
    {
        (ulong page, Access known, Gpa first) = _entries[IndexOf(address)];
        device = first + (address & 0xFFF);
        return page == ((address & ~0xFFFul) | 1) && known == access;
    }

    /// <summary>Forgets everything.</summary>
    internal void Clear()
    {
        if (_filled)
        {
            Array.Clear(_entries);
            _filled = false;
        }
    }

    private static int IndexOf(ulong address) => (int)(address >> 12) & (Entries - 1);
}
