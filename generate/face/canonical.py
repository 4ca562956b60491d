"""One mesh for every face: the 468 landmarks of a mean frontal face, its triangles, and what parts they outline."""

from __future__ import annotations

import base64
import functools

import numpy as np
from numpy.typing import NDArray

_MEAN = "".join((
    "0Dxw&0Dvcx0DuOZGI%#}0D#$u0Du>J0D!t#g*{bO0D#s)0Dy@#0Du4h0D$_m0DuX&0D#B10Dw5a0Dv9D0DuX}0Dyqb0DuA50DvW!lXumYwHhfd)>",
    "tcEhELR9ct%oQ13KMUePHQZ&P(q`yH$WkqC!nbb39c`g)$>wU|oOa13Ldw9T&%0_b1p`)leUYqI0RP2z8LR6KAKe4_|My>1%$s&}7B8YE-zwQ+Um",
    "iId{^C!Y$1~D`diM#A5Z0I$~CcXEYauv3Cx9O+=kI3O8gsx+A0<^K1%1TV7#G?M!#L9wLjjcxjiDJ#qJz>s3#<Mp`tuqA_?hRbrfx30BlOC{#T$d",
    "`UqC?J5N*(@!rN<0t1lLm}=pB6JnB#%c7l_hH4g#A`d18(2%YqFf)mcv}FtZEmiSh-U1zw{3N|D0V}*0drl~&vRzYOmw)%`E=;Q&vm4~oMnZ)EM%",
    "FzF=7J1e_%Aji&uZCwihLZ0D!@n>tGGL++H)gM|5bLOJy>b*K$yqU0VHf!Ac`~mS8oEk}{|c$vIRW+dvvHL0sL+&1tkVRc2rrWn$U@j6QQ*awz^~",
    "L}iIt7Bb3ByK1&*foM{TpdOxV=`O)+|2lSX`b<x6KU$h=-eX5+9CtokjUP3EIVw&}W_zob=VZWmq!db6?rKD0oL^Lo6*s?AC}?YhGaFl-^km;vzi",
    "&r>z%_)<EH}5=Ul;F#rYR-C*BdoP3tWZpWqeVYbzF9T{2zT<F-K%rW=}s^XIibj{2*bK5p4(lu~9GZmqqmE0D#aL0D%AhFIT--a$Z_j>0+N&UL)5",
    "@;9U7m+f+MD$4s9~m_#5=aX+X}1{Tyni9zgE0DyR+dSHm8N@;VF+j7XF0D!Pf@ItNIAWtFYOKi{g-z(S3bYdG*32`@U0DznMTV6=`ZyFYw_iQh|g",
    "==`gFlsl%9cfa@IA$o)Q(ninkX!7w<yd&NF;Eh)*DSD_9C7GjLu_|XaAwL-a$uphkSwdRD|ACob72VF0D!)4hj&M30DvoHpK6tR0D!0O0DuVNBXB",
    "I@giMde%UAf5C{`!aU_pM8h)$E8csUB9L~S?j9%YVzJw*c0Qc=^}d_=msy(5gK@;E%b!yk;U%|=nFC2L}Gc54Wbd}VQwZ*R?s8f61WI#wS;6-fj_",
    "0zN`RDmMB?nJ`IK3l^(x$u~@6l0iLY5>9Gn)LC3)w_;CW!Du;N5*CGS!DW4u3UPjQ@^L4T19!TW{c(GeHfS)Gmw4KiiFtjPKxnR3er*X^M{w9$WI",
    "T#dqc^Bd&4)K}dcsvzY>3sCO64goDW@x5d9c)8hq+Q-{Kef^f}iPIF|_YSM5=&CUA;|6jKft+dd(wWpQ3-}{KfxL;^@a&2-w(IDz6`hU5u%&_ll6",
    "W?3kyp@StzA7L<OsFPp`;m8-bItcT5##)#60J<`oV)SJR?JDv57#hq4&n9CQ1PKXYCvb&u)^~hv9Mckwu43i2$q@iI-60>)>;oXb2hnAO<!jAWr6",
    "sk|SxurC?UCwwks-2vX_Nml4*Q-4-gSJ5h64eDLEU+&c9N6bPyx#6L-HR2pIhORa2%g2YJCr+><fluxU85hohok_wl98^FcbV+ANRoB8*NH>8{)}",
    "DMFpOr+vx~UL28-yzFp8wVW15A$)0>&S&Yc3lfS)wObf|x+N$4eo6rT;dBcU_9xQl3;w3;%PD2-5=qNV+FKD8ryX`eNWZOy0-HpWyQB)=LkzN6jB",
    "GM2P6s+nLJnw{DJbHQ_5jo1EVyPAnv>CMVbM3uH^ewR{<U*Vo?7SX|M0L6B21+!0Yz@?gNA)H5N<A^?7a^N+A#??+tnS`sC7@NR&TkA?#5tT$@W1",
    "v)w>d3!S*OzOA%;a003!C3nK#)g&Kgxv8)5y2kpy=;|S=J@NDC9Lp^rMCFnuAf9ilcUa1K@pH&bVY)nXo@un5C_~1K(kl?ve-oPOdNTXu9;~(5Ss",
    "wjiFjs7M-6~q1@L=AEWtBB&$12IJ2KiXS*Oxj=-o-`RUX^cE0RZg`bF|wU%>|B#p?T552A1->@O(w3E;GAk^2&i=7)&_Kr7fq@hUokmVMd2$L_qd",
    "X#v;&y_dC;+9g$$C)V7tf9xZZ=~$D8mD-*&aV=%DATZ-<BsTIypwlNkD1C)jh~^mZ_}%?)Qdw;jGhSGc!)=5V3n17+>b2cd$W(nG^qHK*QqDdpT2",
    "&Qcd?V5hsFw`yOKBV;hK(s!ny*`t*+DCgS)!ALfnj|4aYpaJm8G3GPzNy+LU5)iIfPCgPL)XkdV!Z<(dOX#i<`d>b3+z{lP**)yeusX3t4h^y#Z^",
    "Hpon4ZN5Eb?XhZRE2dmzNS#k%K9@OO?dgSXKAL@#^^SgZ4UQ*~{D``h0*-r<$(JyeXouRCc7}bJzn897fszSXxR2Oco5PAxT*#<S",
))  # fmt: skip
"""Base 85 of uint16 x, y in 1/65535 of the square around the face.

Mean of 177 near frontal faces found by our mesher, aligned by similarity and made symmetric.
"""

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""The outline of the face, from the middle of the forehead clockwise as the viewer sees it."""
MOUTH = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)
"""The opening between the lips."""
LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146)
"""The outer edge of the lips."""
EYES = (
    (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),
    (263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
)
"""The openings of the eyes."""
BROWS = (
    (70, 63, 105, 66, 107, 55, 65, 52, 53, 46),
    (300, 293, 334, 296, 336, 285, 295, 282, 283, 276),
)
"""The eyebrows."""
NOSTRILS = (98, 97, 2, 326, 327, 294, 278, 440, 275, 4, 45, 220, 48, 64)
"""The underside of the nose with the nostrils."""


@functools.cache
def mean_face() -> NDArray[np.float64]:
    """Return the landmarks `[468, 2]` of the mean face, 0..1 in the square around it, x to the right, y down."""
    points = np.frombuffer(base64.b85decode(_MEAN), dtype="<u2").reshape(-1, 2) / 65535.0
    points.flags.writeable = False
    return points


@functools.cache
def triangles() -> NDArray[np.intp]:
    """Return the Delaunay triangles `[n, 3]` of the mean face as landmark numbers, all wound the same way."""
    from scipy.spatial import Delaunay

    points = mean_face()
    found = np.asarray(Delaunay(points).simplices, dtype=np.intp)
    turned = double_areas(points, found) < 0
    found[turned] = found[turned][:, ::-1]
    found.flags.writeable = False
    return found


def double_areas(points: NDArray[np.float64], faces: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return twice the signed area of each triangle of `points` `[n, 2]`."""
    first, second, third = (points[faces[:, corner]] for corner in range(3))
    a, b = second - first, third - first
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], dtype=np.float64)
