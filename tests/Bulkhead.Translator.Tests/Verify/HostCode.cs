using System.Buffers.Binary;
using Iced.Intel;
using Xunit;

namespace Bulkhead.Translator.Tests.Verify;

/// <summary>Changes host code as a broken emitter might.</summary>
internal static class HostCode
{
    /// <summary>The first place of some bytes.</summary>
    internal static int Find(ReadOnlySpan<byte> code, ReadOnlySpan<byte> bytes)
    {
        int at = code.IndexOf(bytes);
        Assert.True(at >= 0, $"{Convert.ToHexString(bytes)} is not in {Convert.ToHexString(code)}");
        return at;
    }

    /// <summary>Overwrites bytes.</summary>
    internal static byte[] Put(byte[] code, int at, params ReadOnlySpan<byte> bytes)
    {
        byte[] changed = (byte[])code.Clone();
        bytes.CopyTo(changed.AsSpan(at));
        return changed;
    }

    /// <summary>Adds to a 32-bit word.</summary>
    internal static byte[] Add(byte[] code, int at, int change)
    {
        byte[] changed = (byte[])code.Clone();
        BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan(at), BinaryPrimitives.ReadInt32LittleEndian(changed.AsSpan(at)) + change);
        return changed;
    }

    /// <summary>Inserts bytes before the instruction at an offset; every branch still goes where it went.</summary>
    internal static byte[] Insert(byte[] code, int at, params ReadOnlySpan<byte> bytes)
    {
        byte[] changed = [.. code.AsSpan(0, at), .. bytes, .. code.AsSpan(at)];
        foreach ((Instruction i, int offset) in Decode(code))
        {
            if (i.Op0Kind != OpKind.NearBranch64)
            {
                continue;
            }

            long target = (long)i.NearBranchTarget - (long)Base;
            long end = offset + i.Length;
            int moved = offset >= at ? bytes.Length : 0;
            long newTarget = target > at && target < code.Length ? target + bytes.Length : target;
            if (i.Length > 3)
            {
                BinaryPrimitives.WriteInt32LittleEndian(changed.AsSpan((int)end + moved - 4), (int)(newTarget - end - moved));
            }
            else
            {
                changed[end + moved - 1] = (byte)(newTarget - end - moved);
            }
        }

        return changed;
    }

    internal static IEnumerable<(Instruction Instruction, int Offset)> Decode(byte[] code)
    {
        var decoder = Decoder.Create(64, code, Base);
        while (decoder.IP < Base + (ulong)code.Length)
        {
            int offset = (int)(decoder.IP - Base);
            yield return (decoder.Decode(), offset);
        }
    }

    /// <summary>Where decoded code stands.</summary>
    internal const ulong Base = 0x1_0000_0000;
}
