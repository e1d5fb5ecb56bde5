using System.Globalization;
using System.Text;
using Bulkhead.Host.Memory;

namespace Bulkhead.Machine.Symbols;

/// <summary>The symbols of a Linux kernel, as its own kallsyms tables hold them.</summary>
/// <remarks>
/// <para>The tables come out of guest RAM: <see cref="KallsymsFinder"/> checked that they hang together, and whoever reads
/// them here still trusts no index. Whoever looked for them disposes them.</para>
/// <para><i>Source</i>: Linux, scripts/kallsyms.c and kernel/kallsyms.c.</para>
/// </remarks>
internal sealed class KernelSymbols : IDisposable
{
    private const int LongestName = 512;

    private readonly ReservedArray<ulong> _addresses;
    private readonly ReservedArray<byte> _names;
    private readonly uint[] _markers;
    private readonly TokenTable _tokens;

    internal KernelSymbols(ReservedArray<ulong> addresses, ReservedArray<byte> names, uint[] markers, TokenTable tokens)
    {
        _addresses = addresses;
        _names = names;
        _markers = markers;
        _tokens = tokens;
    }

    /// <summary>Names an address as <c>name+0xoffset/0xsize</c>; false where it lies before the first or behind the last symbol.</summary>
    internal bool TryName(ulong address, out string text)
    {
        text = string.Empty;
        int index = _addresses.Slice(0, _addresses.Length).BinarySearch(address);
        index = index < 0 ? ~index - 1 : index;
        if (index < 0)
        {
            return false;
        }

        // Of several names for one address the first counts, as in the kernel.
        ulong start = _addresses[index];
        int next = index + 1;
        while (index > 0 && _addresses[index - 1] == start)
        {
            index--;
        }

        while (next < _addresses.Length && _addresses[next] == start)
        {
            next++;
        }

        if (next == _addresses.Length)
        {
            return false;
        }

        string name = NameOf(index);
        text = string.Create(CultureInfo.InvariantCulture, $"{name}+0x{address - start:x}/0x{_addresses[next] - start:x}");
        return name.Length > 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _addresses.Dispose();
        _names.Dispose();
    }

    private string NameOf(int index)
    {
        ReadOnlySpan<byte> names = _names.Slice(0, _names.Length);
        int at = (int)_markers[index >> KallsymsFinder.MarkerShift];
        int length = 0;
        for (int i = index & ~KallsymsFinder.MarkerMask; i <= index; i++)
        {
            at += length;
            if (!KallsymsFinder.TryLength(names, ref at, out length))
            {
                return string.Empty;
            }
        }

        var name = new StringBuilder();
        for (int i = 0; i < length && name.Length < LongestName; i++)
        {
            foreach (byte letter in _tokens[names[at + i]])
            {
                _ = name.Append(letter is > 0x20 and < 0x7F ? (char)letter : '?');
            }
        }

        // The first letter is the symbol's type.
        return name.Length > 0 ? name.ToString(1, name.Length - 1) : string.Empty;
    }
}
